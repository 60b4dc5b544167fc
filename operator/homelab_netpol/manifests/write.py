"""Writes objects as YAML. Pure.

PyYAML's own writer takes longer than all the rest of a command; policies are JSON-shaped, and
thousands of them share their rules, which are written once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

# Texts that YAML 1.1 and 1.2 read as that text without quotes; all others get quotes.
_PLAIN = re.compile(r"[A-Za-z/](?:[A-Za-z0-9_./-]|:(?=[A-Za-z0-9_]))*")
_NOT_TEXT = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null"})
# What JSON leaves as it is, and YAML or a terminal would take for something else: controls of the
# second set, line breaks of Unicode's own, marks of text direction, surrogates, non-characters.
_UNSAFE = re.compile(
    "[\x7f-\xa0\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff0-\uffff]"
)
_INDENT = "  "


def to_yaml(documents: Iterable[Mapping[str, Any]]) -> str:
    """Documents of YAML, one after the other, in the order of their keys, without aliases.

    Args:
        documents: JSON types only, keys are text.
    """
    # A value that several documents share is one object, which lives as long as they do.
    shared: dict[int, str] = {}
    parts: list[str] = []
    for document in list(documents):
        parts.append("---\n" if document else "--- {}\n")
        for key, value in document.items():
            if not isinstance(value, dict | list):
                parts.append(f"{_text(key)}: {_scalar(value)}\n")
                continue
            if id(value) not in shared:
                lines: list[str] = []
                _write(value, f"{_text(key)}:", _INDENT, lines)
                shared[id(value)] = "\n".join(lines) + "\n"
            parts.append(shared[id(value)])
    return "".join(parts)


def _write(value: Any, head: str, indent: str, lines: list[str]) -> None:
    """Adds a value to the lines; `head` stands before it, and `indent` before what is in it."""
    if isinstance(value, str):  # most are, and it is soon asked
        lines.append(f"{head} {_text(value)}")
    elif isinstance(value, Mapping) and value:
        lines.append(head)
        _write_mapping(value, indent, indent, lines)
    elif isinstance(value, list | tuple) and value:
        lines.append(head)
        # Items stand where the key does, as kubectl writes them.
        _write_items(value, indent.removesuffix(_INDENT), lines)
    else:
        lines.append(f"{head} {_scalar(value)}")


def _write_mapping(value: Mapping[str, Any], first: str, indent: str, lines: list[str]) -> None:
    for key, inner in value.items():
        _write(inner, f"{first}{_text(key)}:", indent + _INDENT, lines)
        first = indent


def _write_items(value: Iterable[Any], indent: str, lines: list[str]) -> None:
    for item in value:
        if isinstance(item, str):
            lines.append(f"{indent}- {_text(item)}")
        elif isinstance(item, Mapping) and item:
            _write_mapping(item, f"{indent}- ", indent + _INDENT, lines)
        elif isinstance(item, list | tuple) and item:
            lines.append(f"{indent}-")
            _write_items(item, indent + _INDENT, lines)
        else:
            lines.append(f"{indent}- {_scalar(item)}")


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float):
        return _float(value)
    # Numbers, true, false, null, [] and {} are the same in both.
    return json.dumps(value)


def _float(value: float) -> str:
    text = repr(value)
    # Without a dot, YAML 1.1 reads a number with an exponent as text.
    if "e" in text and "." not in text:
        return text.replace("e", ".0e", 1)
    return {"inf": ".inf", "-inf": "-.inf", "nan": ".nan"}.get(text, text)


@lru_cache(maxsize=65_536)
def _text(value: str) -> str:
    if _PLAIN.fullmatch(value) and value.lower() not in _NOT_TEXT:
        return value
    return _UNSAFE.sub(_escape, json.dumps(value, ensure_ascii=False))


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
