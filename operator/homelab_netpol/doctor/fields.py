"""Reads fields of objects that may be shaped like anything. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_NOTHING: Mapping[str, Any] = {}


def field(data: Any, *path: str) -> Any:
    """The value at a path of mappings; None: there is none."""
    for key in path:
        if not isinstance(data, Mapping):
            return None
        data = data.get(key)
    return data


def mapping(data: Any, *path: str) -> Mapping[str, Any]:
    """A mapping at a path; empty: there is none."""
    found = field(data, *path)
    return found if isinstance(found, Mapping) else _NOTHING


def mappings(data: Any, *path: str) -> list[Mapping[str, Any]]:
    """The mappings in a list at a path."""
    found = field(data, *path)
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def text(data: Any, *path: str) -> str:
    """A text at a path; "": there is none."""
    found = field(data, *path)
    return found if isinstance(found, str) else ""


def texts(data: Any, *path: str) -> dict[str, str]:
    """Labels, or a ConfigMap's entries."""
    found = mapping(data, *path).items()
    return {key: value for key, value in found if isinstance(key, str) and isinstance(value, str)}


def number(data: Any, *path: str) -> int:
    """A whole number at a path; 0: there is none."""
    found = field(data, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) else 0


def name(data: Any) -> str:
    """An object's name."""
    return text(data, "metadata", "name")


def namespace(data: Any) -> str:
    """An object's namespace."""
    return text(data, "metadata", "namespace")


def where(data: Any) -> str:
    """An object as `namespace/name`."""
    return "/".join(each for each in (namespace(data), name(data)) if each)


def moment(data: Any, *path: str) -> datetime | None:
    """A time of the API server's at a path."""
    found = text(data, *path)
    try:
        read = datetime.fromisoformat(found)
    except ValueError:
        return None
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def condition(data: Any, kind: str) -> Mapping[str, Any] | None:
    """A condition of the status; None: there is none of the kind."""
    found = mappings(data, "status", "conditions")
    return next((each for each in found if each.get("type") == kind), None)
