"""Looks into objects of any shape: what has not the one looked for counts as not there. Pure."""

from __future__ import annotations

from collections.abc import Mapping
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


def items(data: Any, *path: str) -> list[Any]:
    """A list at a path; empty: there is none."""
    found = field(data, *path)
    return found if isinstance(found, list) else []


def mappings(data: Any, *path: str) -> list[Mapping[str, Any]]:
    """The mappings in a list at a path."""
    return [each for each in items(data, *path) if isinstance(each, Mapping)]


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


def condition(data: Any, kind: str) -> Mapping[str, Any] | None:
    """A condition of an object's status; None: there is none of the kind."""
    found = mappings(data, "status", "conditions")
    return next((each for each in found if each.get("type") == kind), None)
