"""Reading the settings file, and saying what is wrong with it in words its author can act on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from homelab_netpol.settings.model import Settings

# A settings file is a page or two; anything larger is a mistake or an attack on the parser.
_MAX_BYTES = 1024 * 1024


class SettingsError(Exception):
    """The settings cannot be used. The message names the file, each field's path and the remedy."""


class _UniqueKeyLoader(yaml.SafeLoader):
    """A safe loader that refuses a key given twice, of which YAML would silently keep the last."""


def _mapping(loader: _UniqueKeyLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[str] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            continue  # no setting has such a key: the model will say so
        if key in seen:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {key!r} is given twice", key_node.start_mark
            )
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


_UniqueKeyLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def load_settings(path: Path | None) -> Settings:
    """Reads the settings file; without a path, the defaults.

    Raises:
        SettingsError: the file cannot be read, is not YAML, or a field is not what it should be.
    """
    if path is None:
        return Settings()
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    if len(raw) > _MAX_BYTES:
        raise SettingsError(f"{path}: larger than {_MAX_BYTES} bytes; is it the right file?")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: not UTF-8 text (byte {error.start})") from error
    return parse_settings(text, source=str(path))


def parse_settings(text: str, *, source: str = "settings") -> Settings:
    """Parses the text of a settings file.

    Args:
        text: YAML; an empty document means the defaults.
        source: what to call the text in an error, usually the file's path.

    Raises:
        SettingsError: with one line a problem, each with the field's path.
    """
    try:
        data = yaml.load(text, Loader=_UniqueKeyLoader)  # noqa: S506 - a SafeLoader, see its class
    except (yaml.YAMLError, RecursionError) as error:
        raise SettingsError(f"{source}: not valid YAML: {error}") from error
    if data is None:
        return Settings()
    if not isinstance(data, dict):
        raise SettingsError(f"{source}: expected settings by name, found {type(data).__name__}")
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        problems = (problem_in_words(problem) for problem in error.errors(include_url=False))
        raise SettingsError("\n".join(f"{source}: {problem}" for problem in problems)) from error


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
