"""From settings files to one mapping: limits, safe YAML, and joining without a winner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

# A settings file is a page or two; anything larger is a mistake or an attack on the parser.
_MAX_BYTES = 1024 * 1024
_MAX_FILES = 100
# Aliases let a few lines of YAML stand for millions of them, or for themselves.
_MAX_KEYS = 50_000
_SUFFIXES = (".yaml", ".yml")

Key = tuple[str, ...]


class SettingsError(Exception):
    """The settings cannot be used. The message names the file, each field's path and the remedy."""


@dataclass(slots=True)
class Joined:
    """What several files say together, nested as in the files, and which file has which key."""

    data: dict[str, Any] = field(default_factory=dict)
    sources: dict[Key, str] = field(default_factory=dict)

    def source(self, path: Sequence[str | int]) -> str | None:
        """The file with the setting at a path, or with the nearest one above it; None: no file."""
        known = tuple(str(part) for part in path)
        for end in range(len(known), 0, -1):
            if known[:end] in self.sources:
                return self.sources[known[:end]]
        return None

    def add(self, data: Mapping[str, Any], source: str) -> None:
        """Joins a file's settings to these, mapping by mapping.

        Raises:
            SettingsError: both have one key with different values, and neither wins; or it holds
                more than settings can.
        """
        try:
            problems = self._add(self.data, data, source, ())
        except RecursionError as error:
            raise SettingsError(f"{source}: nested too deeply, or within itself") from error
        if problems:
            raise SettingsError("\n".join(problems))

    def _add(
        self, into: dict[str, Any], data: Mapping[str, Any], source: str, above: Key
    ) -> list[str]:
        problems: list[str] = []
        for name, value in data.items():
            key = (*above, str(name))
            if name not in into:
                self.sources[key] = source
                if len(self.sources) > _MAX_KEYS:
                    many = f"more than {_MAX_KEYS} keys"
                    raise SettingsError(f"{source}: {many}; is it the right file?")
                into[name] = {} if isinstance(value, dict) else value
            if isinstance(into[name], dict) and isinstance(value, dict):
                problems += self._add(into[name], value, source, key)
            elif into[name] is not value and into[name] != value:
                problems.append(
                    f"{source}: {'.'.join(key)}: {self.sources[key]} says something else about it;"
                    " keep it in one of the two"
                )
        return problems


class _UniqueKeyLoader(yaml.SafeLoader):
    """A safe loader that refuses a key given twice, of which YAML would silently keep the last."""


def _mapping(loader: _UniqueKeyLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[str] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            continue  # no setting has such a key, which the model reports
        if key in seen:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {key!r} is given twice", key_node.start_mark
            )
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


_UniqueKeyLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_settings(path: Path) -> Joined:
    """Reads a settings file, or all those of a directory, joined.

    Raises:
        SettingsError: one cannot be read or is not what a settings file should be, two say
            different things about one key, or the directory holds none.
    """
    joined = Joined()
    for file in _files_of(path) if path.is_dir() else [path]:
        joined.add(parse(_read(file), str(file)), str(file))
    return joined


def parse(text: str, source: str) -> dict[str, Any]:
    """Parses the YAML of one settings file; an empty one holds nothing.

    Raises:
        SettingsError: not YAML, or not settings by name.
    """
    try:
        data = _UniqueKeyLoader(text).get_single_data()
    except (yaml.YAMLError, RecursionError) as error:
        raise SettingsError(f"{source}: not valid YAML: {error}") from error
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # What PyYAML lets through for a value that does not fit its tag, as in `!!timestamp x`.
        raise SettingsError(f"{source}: not valid YAML: a value does not fit its tag") from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise SettingsError(f"{source}: expected settings by name, found {type(data).__name__}")
    return data


def _files_of(folder: Path) -> list[Path]:
    # A ConfigMap's folder also holds `..data` and the like, where its files really are.
    try:
        found = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise SettingsError(f"{folder}: cannot be read: {error.strerror}") from error
    files = [path for path in found if not path.is_dir()]
    others = [path for path in files if path.suffix not in _SUFFIXES]
    if others:
        raise SettingsError(
            f"{others[0]}: not read, as its name does not end with .yaml; rename or remove it"
        )
    if not files:
        raise SettingsError(f"{folder}: holds no settings file (NAME.yaml)")
    if len(files) > _MAX_FILES:
        raise SettingsError(f"{folder}: {len(files)} files; more than {_MAX_FILES} are not read")
    return files


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    if len(raw) > _MAX_BYTES:
        raise SettingsError(f"{path}: larger than {_MAX_BYTES} bytes; is it the right file?")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: not UTF-8 text (byte {error.start})") from error
