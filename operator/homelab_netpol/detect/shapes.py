"""Looks into objects of any shape: what has not the one looked for counts as not there. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def mapping(value: Any) -> Mapping[str, Any]:
    """A mapping; anything else counts as empty."""
    return value if isinstance(value, Mapping) else {}


def items(value: Any) -> list[Any]:
    """A list; anything else counts as empty."""
    return value if isinstance(value, list) else []


def mappings(value: Any) -> list[Mapping[str, Any]]:
    """The mappings in a list."""
    return [each for each in items(value) if isinstance(each, Mapping)]


def text(value: Any) -> str:
    """Text; anything else counts as empty."""
    return value if isinstance(value, str) else ""
