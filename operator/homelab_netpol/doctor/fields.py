"""Reads what objects of the API server's say of themselves, whatever their shape. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from homelab_netpol.shapes import text


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
