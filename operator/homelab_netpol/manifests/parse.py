"""From the text of one file to the objects in it, with errors that name line and column. Pure."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from homelab_netpol.manifests import kinds
from homelab_netpol.manifests.manifest import Manifest, ManifestError, Source
from homelab_netpol.manifests.nesting import refuse_deep

# An alias may stand for more than the file holds; nobody means so many values by one file.
_MAX_VALUES = 5_000_000
_NO_OBJECT: Mapping[str, Any] = {"apiVersion": "", "kind": ""}
_HELM = (
    "; it looks like a template of Helm's: render it first (helm template CHART | ... -f -), or"
    " leave it out (--exclude)"
)
# With it a kustomization changes, or deletes, an object of another file: it is none itself.
_PATCH = "$patch"
_TIMESTAMP = "tag:yaml.org,2002:timestamp"
_MERGE = "tag:yaml.org,2002:merge"


class _Loader(yaml.CSafeLoader):
    """A safe loader that reads as the API server does.

    A date is text, and a key given twice is an error, of which YAML would silently keep the last.
    """

    def __init__(self, text: str) -> None:
        """Reads a text."""
        super().__init__(text)
        self._may_merge = "<<" in text
        self._merged: set[yaml.MappingNode] = set()

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Puts in what `<<` merges, over which a mapping's own keys go: only these are asked."""
        if self._may_merge and any(key.tag == _MERGE for key, _ in node.value):
            _refuse_repeated(node)
            self._merged.add(node)
        super().flatten_mapping(node)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Makes a mapping of unique keys."""
        made: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        if len(made) < len(node.value) and node not in self._merged:
            _refuse_repeated(node)
        return made


# Without this, a date or time in an annotation would be no text, as it is for the API server.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


# What PyYAML raises, and what it lets through where a value does not fit its tag.
_UNUSABLE = (
    yaml.YAMLError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A mapping, if its keys are unique; else YAML's reader says where they are not."""
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key is given twice")
    return made


def _refuse_repeated(node: yaml.MappingNode) -> None:
    seen: set[str] = set()
    for key, _ in node.value:
        if key.value in seen:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {key.value!r} is given twice", key.start_mark
            )
        seen.add(key.value)


def parse_manifests(raw: bytes, file: str) -> list[Manifest]:
    """The objects of one file, of whatever kinds; those of a List one by one.

    Args:
        raw: YAML, of one document or several, or JSON.
        file: how errors and sources name it.

    Returns:
        The objects. A document that is no object of Kubernetes' is there without a kind, to be
        counted.

    Raises:
        ManifestError: it is no text, no YAML, or holds an object without what each must have.
    """
    text = _text(raw, file)
    if text.lstrip().startswith("{"):
        # Dumps of a cluster are large, and JSON's reader takes a tenth of the time.
        with contextlib.suppress(ValueError, RecursionError):
            return list(_objects(json.loads(text, object_pairs_hook=_unique), Source(file, 1)))
    loader = _Loader(text)
    found: list[Manifest] = []
    line = 0
    try:
        refuse_deep(text)
        while loader.check_node() and (node := loader.get_node()) is not None:
            line = node.start_mark.line + 1
            data = loader.construct_document(node)
            if data is not None:
                _refuse_large(data, text, file)
                found += _objects(data, Source(file, line))
    except _UNUSABLE as error:
        hint = _HELM if "{{" in text else ""
        raise ManifestError(
            f"{file}{_place(error, text, line)}: not valid YAML: {_words(error)}{hint}"
        ) from None
    finally:
        loader.dispose()
    return found


def _text(raw: bytes, file: str) -> str:
    if b"\x00" in raw:
        raise ManifestError(f"{file}: binary data, where YAML or JSON is expected")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ManifestError(f"{file}:{line}: not UTF-8 text (byte {error.start})") from None


def _objects(data: Any, source: Source, above: str = "") -> Iterator[Manifest]:
    """The objects that a document holds; nothing: it is none of Kubernetes'."""
    where = f"{source}: {above}"
    if not isinstance(data, Mapping) or "kind" not in data or "apiVersion" not in data:
        if above:
            raise ManifestError(f"{where}: no Kubernetes object: it has no apiVersion and kind")
        yield Manifest(_NO_OBJECT, source)
        return
    if _PATCH in data:
        yield Manifest(_NO_OBJECT, source)
        return
    kind = data["kind"]
    if not isinstance(kind, str) or not isinstance(data["apiVersion"], str):
        raise ManifestError(f"{where}kind and apiVersion: must be text")
    items = data.get("items")
    if kind == "List" and not isinstance(items, list):
        raise ManifestError(f"{where}items: must be a list of objects")
    if kind.endswith("List") and isinstance(items, list):
        if not items:
            # As kubectl prints it where there is nothing: not the same as no input.
            yield Manifest({"apiVersion": data["apiVersion"], "kind": kinds.EMPTY_LIST}, source)
        for index, item in enumerate(items):
            if isinstance(item, Mapping) and kind != "List":
                item = {"apiVersion": data["apiVersion"], "kind": kind.removesuffix("List"), **item}
            yield from _objects(item, source, f"{above}items[{index}]")
        return
    made = Manifest(data, source)
    if kinds.is_read(made.group, kind):
        _require_json(data, source, above)
    yield made


def _require_json(value: Any, source: Source, path: str) -> None:
    """Refuses what YAML has and JSON, and so the API server, has not."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                place = f"{path}: " if path else ""
                raise ManifestError(f"{source}: {place}the key {key!r}: must be text: quote it")
            _require_json(inner, source, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _require_json(inner, source, f"{path}[{index}]")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ManifestError(f"{source}: {path}: {value} is no number that JSON has")
    elif not isinstance(value, str | int | float | None):
        kind = type(value).__name__
        raise ManifestError(f"{source}: {path}: a value of YAML's type {kind}, which JSON lacks")


def _refuse_large(data: Any, text: str, file: str) -> None:
    """Refuses a document of which aliases make more than a computer could go through."""
    if "&" not in text or "*" not in text:
        return
    sizes: dict[int, int] = {}

    def size(value: Any) -> int:
        if not isinstance(value, dict | list):
            return 1
        if id(value) not in sizes:
            sizes[id(value)] = _MAX_VALUES  # within itself it has no end
            inner = value.values() if isinstance(value, dict) else value
            sizes[id(value)] = 1 + sum(map(size, inner))
        return sizes[id(value)]

    if size(data) > _MAX_VALUES:
        raise ManifestError(f"{file}: its aliases stand for more than {_MAX_VALUES:,} values")


def _place(error: Exception, text: str, line: int) -> str:
    """Line and column, as far as they are known; at least the document's first line."""
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        return f":{mark.line + 1}:{mark.column + 1}"
    if isinstance(error, yaml.reader.ReaderError):
        before = text[: error.position]
        return f":{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
    return f":{line}" if line else ""


def _words(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply, or within itself"
    if isinstance(error, yaml.reader.ReaderError):
        code = error.character if isinstance(error.character, int) else ord(error.character)
        return f"the character U+{code:04X} is not allowed"
    if isinstance(error, ValueError):
        return f"a value cannot be read: {error}"
    if not isinstance(error, yaml.YAMLError):
        return "a value does not fit its tag"
    problem = getattr(error, "problem", None) or str(error)
    context = getattr(error, "context", None)
    return f"{problem} ({context})" if context else str(problem)
