"""From settings files to Settings, and saying what is wrong in words their author can act on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from homelab_netpol.settings.files import Joined, SettingsError, parse, read_settings
from homelab_netpol.settings.model import Settings


def load_settings(path: Path | None) -> Settings:
    """Reads the settings.

    Args:
        path: a file; or a directory, of which every `*.yaml` counts; or None: the defaults.

    Raises:
        SettingsError: something cannot be read, is not YAML, is said twice and differently, or a
            field is not what it should be.
    """
    if path is None:
        return Settings()
    return _validated(read_settings(path), str(path))


def parse_settings(text: str, *, source: str = "settings") -> Settings:
    """Parses the text of a settings file.

    Args:
        text: YAML; an empty document means the defaults.
        source: what to call the text in an error, usually the file's path.

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
        problems = (
            f"{joined.source(problem['loc']) or source}: {problem_in_words(problem)}"
            for problem in error.errors(include_url=False)
        )
        raise SettingsError("\n".join(problems)) from error


def problem_in_words(
    problem: Mapping[str, Any], *, unknown: str = "no such setting; see docs/settings.md"
) -> str:
    """Says what pydantic found wrong with a field: its path, what was expected, what was found.

    Args:
        problem: an entry of `ValidationError.errors()`.
        unknown: what to say of a key that there is not.
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
