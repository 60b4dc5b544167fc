"""The building blocks of a schema: objects, lists, maps, and the values in them.

A check is called with a value, its path and the report, and says whether the value is sound. What
a policy's fields are, fields.py says; nothing here knows Cilium.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

from homelab_netpol.cilium.validation.report import Nature, Path, Report, Taken, quoted

Check = Callable[[Any, Path, Report], bool]
# What is wrong with a string, a `Taken` if Cilium takes it; None: nothing.
TextCheck = Callable[[str], str | None]

_TYPE_NAMES = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number with a fraction",
    str: "a string",
    list: "a list",
    dict: "an object",
}


@dataclass(frozen=True, slots=True)
class Object:
    """An object whose fields are all known.

    The API server drops a field that it does not know without a word, and a rule without its
    mistyped `toPorts` allows every port: so an unknown field is a problem.

    Attributes:
        fields: the check of each field.
        required: fields that must be there.
        exactly_one_of: fields of which one must be there, and only one.
        absent: what becomes of a policy without a required field.
        meaning: what the fields mean together; only checked when each of them is sound.
    """

    fields: Mapping[str, Check]
    _: KW_ONLY
    required: Sequence[str] = ()
    exactly_one_of: Sequence[str] = ()
    absent: Nature = Nature.REJECTED
    meaning: Check | None = None

    def __call__(self, value: Any, path: Path, report: Report) -> bool:
        """Checks each field, then what they mean together."""
        if not isinstance(value, dict):
            return _wrong_type("an object", value, path, report)
        sound = True
        for key, item in value.items():
            check = self.fields.get(key)
            if check is None:
                sound = report.add(
                    (path, str(key)),
                    f"no such field: {did_you_mean(key, self.fields)}",
                    Nature.DROPPED,
                )
            elif not check(item, (path, key), report):
                sound = False
        for key in self.required:
            if key not in value:
                sound = report.add(path, f"`{key}` is missing: add it", self.absent)
        if self.exactly_one_of:
            given = [key for key in self.exactly_one_of if key in value]
            if len(given) != 1:
                choice = " or ".join(f"`{key}`" for key in self.exactly_one_of)
                found = "both are given" if given else "neither is given"
                if len(self.exactly_one_of) > 2 and given:
                    found = f"{', '.join(given)} are given"
                sound = report.add(path, f"give exactly one of {choice}; here {found}")
        if sound and self.meaning is not None:
            return self.meaning(value, path, report)
        return sound


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of one kind of items.

    Attributes:
        item: the check of each item.
        most: how many items there may be.
        empty: what is wrong with an empty list; None if nothing is.
    """

    item: Check
    _: KW_ONLY
    most: int | None = None
    empty: str | None = None

    def __call__(self, value: Any, path: Path, report: Report) -> bool:
        """Checks the length, then each item."""
        if not isinstance(value, list):
            return _wrong_type("a list", value, path, report)
        if not value and self.empty is not None:
            return report.add(path, self.empty, Nature.EMPTY)
        sound = True
        if self.most is not None and len(value) > self.most:
            more = f"at most {self.most} items, here are {len(value)}: divide them among more rules"
            sound = report.add(path, more)
        item = self.item
        for index, element in enumerate(value):
            if not item(element, (path, index), report):
                sound = False
        return sound


@dataclass(frozen=True, slots=True)
class MapOf:
    """An object whose keys are free, such as `matchLabels`.

    Attributes:
        key: the check of each key.
        value: the check of each value.
    """

    key: TextCheck
    value: Check

    def __call__(self, value: Any, path: Path, report: Report) -> bool:
        """Checks each key and its value."""
        if not isinstance(value, dict):
            return _wrong_type("an object", value, path, report)
        sound = True
        for key, item in value.items():
            wrong = self.key(key) if isinstance(key, str) else "keys are strings: quote it"
            # Of a null nothing stays, not even its key: see _wrong_type.
            if wrong is not None and item is not None:
                sound = report.add((path, str(key)), wrong)
            if not self.value(item, (path, str(key)), report):
                sound = False
        return sound


@dataclass(frozen=True, slots=True)
class Text:
    """A string; without a check, any."""

    wrong: TextCheck | None = None

    def __call__(self, value: Any, path: Path, report: Report) -> bool:
        """Checks a string by itself."""
        if not isinstance(value, str):
            return _wrong_type("a string", value, path, report)
        wrong = None if self.wrong is None else self.wrong(value)
        if wrong is None:
            return True
        nature = Nature.MISREAD if isinstance(wrong, Taken) else Nature.REJECTED
        return report.add(path, str(wrong), nature)


class Choice:
    """One of some words; a problem names the nearest one, or all of them."""

    def __init__(self, *words: str) -> None:
        self.words = frozenset(words)

    def __call__(self, value: Any, path: Path, report: Report) -> bool:
        """Checks that a word is one of them."""
        if not isinstance(value, str):
            return _wrong_type("a string", value, path, report)
        if value in self.words:
            return True
        return report.add(
            path, f"{quoted(value)} is not possible: {did_you_mean(value, self.words)}"
        )


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number between two bounds, both included."""

    least: int
    most: int

    def __call__(self, value: Any, path: Path, report: Report) -> bool:
        """Checks a number; a boolean is none here, unlike in Python."""
        if type(value) is not int:
            return _wrong_type("a whole number", value, path, report)
        if self.least <= value <= self.most:
            return True
        return report.add(path, f"{value} is not between {self.least} and {self.most}")


def flag(value: Any, path: Path, report: Report) -> bool:
    """Checks a boolean."""
    return isinstance(value, bool) or _wrong_type("true or false", value, path, report)


def did_you_mean(word: object, known: Collection[str]) -> str:
    """A hint for a message: the known word that was probably meant, or else all of them."""
    # Case is what differs most often, and difflib would count every letter of it.
    folded = {name.casefold(): name for name in sorted(known)}
    near = difflib.get_close_matches(str(word).casefold(), folded, n=1)
    if near:
        return f"did you mean `{folded[near[0]]}`?"
    return f"there are {', '.join(sorted(known))}"


def _wrong_type(wanted: str, value: object, path: Path, report: Report) -> bool:
    found = _TYPE_NAMES.get(type(value), type(value).__name__)
    if value is None:
        # The API server drops it, so that what stands there would never equal what was written.
        message = f"must be {wanted}, not null: give a value, or leave the field out"
        return report.add(path, message, Nature.DROPPED)
    quote = ": put it in quotes" if wanted == "a string" and isinstance(value, int | float) else ""
    # The API server stores 8.0 as 8.
    whole = wanted == "a whole number" and isinstance(value, float) and value.is_integer()
    nature = Nature.MISREAD if whole else Nature.REJECTED
    return report.add(path, f"must be {wanted}, not {found}{quote}", nature)
