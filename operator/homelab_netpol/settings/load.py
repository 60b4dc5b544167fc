"""From settings files to Settings, and messages that their author can act on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from homelab_netpol.settings.files import Joined, SettingsError, parse, read_settings
from homelab_netpol.settings.model import Settings


def load_settings(path: Path | None) -> Settings:
    """Reads a file, or every `*.yaml` of a directory; None: the defaults.

    Raises:
        SettingsError: something cannot be read, is not YAML, is said twice and differently, or a
            field is not what it should be.
    """
    return Settings() if path is None else _validated(read_settings(path), str(path))


def join_settings(texts: Iterable[tuple[str, str]], source: str) -> Settings:
    """Joins the texts of several settings files, each with its name; `source` is for all of them.

    Raises:
        SettingsError: as `load_settings` says.
    """
    joined = Joined()
    for name, text in texts:
        joined.add(parse(text, name), name)
    return _validated(joined, source)


def parse_settings(text: str, *, source: str = "settings") -> Settings:
    """Parses the text of a settings file, which errors call `source`; empty: the defaults.

    Raises:
        SettingsError: with one line a problem, each with the field's path.
    """
    joined = Joined()
    joined.add(parse(text, source), source)
    return _validated(joined, source)


def _validated(joined: Joined, source: str) -> Settings:
    try:
        return Settings.model_validate(joined.data)
    except ValidationError as error:
        found = error.errors(include_url=False)
        problems = (
            f"{joined.source(problem['loc']) or source}: {problem_in_words(problem)}"
            for problem in found
            if not _follows(problem, found)
        )
        raise SettingsError("\n".join(problems)) from error


def _follows(problem: ErrorDetails, found: Sequence[ErrorDetails]) -> bool:
    """A list counts as too short as well if what it holds is wrong."""
    loc = problem["loc"]
    return problem["type"] == "too_short" and any(
        len(each["loc"]) > len(loc) and each["loc"][: len(loc)] == loc for each in found
    )


def problem_in_words(
    problem: Mapping[str, Any], *, unknown: str = "no such setting; see docs/settings.md"
) -> str:
    """Describes an entry of `ValidationError.errors()`: path, what was expected, what was found.

    `unknown` begins the message about a key that does not exist.
    """
    path = "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" for part in problem["loc"]
    ).lstrip(".")
    where = f"{path}: " if path else ""
    if problem["type"] == "extra_forbidden":
        return f"{where}{unknown} for those there are"
    message = problem["msg"].removeprefix("Value error, ")
    given = problem["input"]
    shown = f" (found {given!r})" if isinstance(given, str | int | float | bool) else ""
    return f"{where}{message[0].lower()}{message[1:]}{shown}"
