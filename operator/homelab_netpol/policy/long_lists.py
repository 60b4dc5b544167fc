"""Long lists go past the YAML of a template. Pure.

A list of thousands of namespaces takes YAML's parser tens of milliseconds, while nothing else
happens. So a template prints a string that stands for it, and gets the list itself when that string
has been parsed.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# A shorter one is parsed in a millisecond.
_LONG = 100


class LongLists:
    """The long lists that the template prints which is being rendered."""

    def __init__(self) -> None:
        """Makes an empty one."""
        self._are_taken = False
        self._lists: dict[str, list[str]] = {}

    @property
    def characters(self) -> int:
        """How long they would be in the text."""
        return sum(len(text) for each in self._lists.values() for text in each)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Takes long lists meanwhile, and forgets them in the end."""
        self._are_taken = True
        try:
            yield
        finally:
            self._are_taken = False
            self._lists = {}

    def stand_in(self, value: Any) -> str | None:
        """Takes a list, and gives the string to print for it; None: print the value itself."""
        if not self._are_taken or not isinstance(value, list | tuple) or len(value) < _LONG:
            return None
        if not all(isinstance(each, str) and each.isascii() for each in value):
            return None
        # What is unknown cannot be written.
        name = f"long list {secrets.token_hex(16)}"
        self._lists[name] = list(value)
        return name

    def put_back(self, parsed: Any, text: str) -> Any:
        """What was parsed, with the lists in place of the strings.

        Raises:
            LookupError: a list was printed where a string is not parsed as one.
        """
        printed = sum(text.count(name) for name in self._lists)
        found: list[str] = []
        whole = self._replaced(parsed, found) if printed else parsed
        if len(found) != printed:
            raise LookupError
        return whole

    def _replaced(self, node: Any, found: list[str]) -> Any:
        if isinstance(node, dict):
            return {key: self._replaced(value, found) for key, value in node.items()}
        if isinstance(node, list):
            return [self._replaced(value, found) for value in node]
        if isinstance(node, str) and node in self._lists:
            found.append(node)
            return self._lists[node]
        return node
