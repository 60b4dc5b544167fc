"""A file's text by lines, and where in it the fields of an object are. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import yaml

from homelab_netpol.lint.rule import Path
from homelab_netpol.manifests import Manifest

# What YAML counts as the end of a line.
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_HEAD = frozenset({"apiVersion", "kind", "metadata"})


class _Loader(yaml.CSafeLoader):
    """Makes nodes only. What type a scalar has is of no account, and takes most of the time."""

    def resolve(self, *_: Any) -> str:
        """The same tag for all."""
        return "tag:yaml.org,2002:str"

    def descend_resolver(self, *_: Any) -> None:
        """Nothing to find out."""

    def ascend_resolver(self) -> None:
        """Likewise."""


@dataclass(frozen=True, slots=True)
class Place:
    """A field in a file.

    Attributes:
        line: from 1.
        column: from 1.
    """

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Field:
    """A field with its nodes; `key` is None for an item of a list."""

    key: yaml.Node | None
    value: yaml.Node

    @property
    def place(self) -> Place:
        """Where it begins."""
        mark = (self.key or self.value).start_mark
        return Place(mark.line + 1, mark.column + 1)


class FileText:
    """One file.

    Attributes:
        text: what it holds, as it is read.
        lines: without their ends.
        ends: of the lines.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        parts = _BREAK.split(text)
        self.lines: list[str] = parts
        self.ends: list[str] = [*_BREAK.findall(text), ""]

    @cached_property
    def documents(self) -> list[yaml.Node]:
        """The nodes of its documents; those after one that cannot be read are missing."""
        found: list[yaml.Node] = []
        loader = _Loader(self.text)
        try:
            while loader.check_node():
                node = loader.get_node()
                if node is not None:
                    found.append(node)
        except (yaml.YAMLError, RecursionError):
            return found
        finally:
            loader.dispose()
        return found

    @cached_property
    def _objects(self) -> dict[tuple[int, str, str], list[yaml.MappingNode]]:
        """The nodes of objects, by their document's line, kind ("": not given) and name."""
        found: defaultdict[tuple[int, str, str], list[yaml.MappingNode]] = defaultdict(list)
        for document in self.documents:
            for node in _objects(document):
                metadata, kind = _step(node, "metadata"), _step(node, "kind")
                name = _step(metadata.value, "name") if metadata else None
                if name is not None and isinstance(name.value.value, str):
                    kind_text = str(kind.value.value) if kind else ""
                    line = document.start_mark.line + 1
                    found[line, kind_text, name.value.value].append(node)
        return found

    def object_of(self, manifest: Manifest) -> yaml.MappingNode | None:
        """The node of an object; None: it cannot be said which."""
        line, name = manifest.source.line, manifest.name
        found = [
            node
            for kind in (manifest.kind, "")
            for node in self._objects.get((line, kind, name), ())
        ]
        return found[0] if len(found) == 1 else None

    def find(self, manifest: Manifest, path: Path) -> Field | None:
        """A field, or where there is none of the path, the deepest above it."""
        node: yaml.Node | None = self.object_of(manifest)
        if node is None:
            return None
        found = Field(None, node)
        for step in path:
            inner = _step(node, step)
            if inner is None:
                break
            found, node = inner, inner.value
        return found

    def exact(self, manifest: Manifest, path: Path) -> Field | None:
        """A field; None: it is not there."""
        node: yaml.Node | None = self.object_of(manifest)
        found: Field | None = None if node is None else Field(None, node)
        for step in path:
            found = _step(node, step) if node is not None else None
            if found is None:
                return None
            node = found.value
        return found

    def is_repeated(self, manifest: Manifest, path: Path) -> bool:
        """Whether an alias repeats a field elsewhere, or what it is in."""
        steps = (self.exact(manifest, path[:count]) for count in range(len(path) + 1))
        return any(each is not None and id(each.value) in self._repeated for each in steps)

    @cached_property
    def _repeated(self) -> frozenset[int]:
        """The nodes that stand in more than one place, as aliases have it."""
        seen: set[int] = set()
        repeated: set[int] = set()
        left: list[yaml.Node] = list(self.documents)
        while left:
            node = left.pop()
            if id(node) in seen:
                repeated.add(id(node))
                continue
            seen.add(id(node))
            if isinstance(node, yaml.MappingNode):
                left += [each for pair in node.value for each in pair]
            elif isinstance(node, yaml.SequenceNode):
                left += node.value
        return frozenset(repeated)

    def head_of(self, node: yaml.MappingNode) -> tuple[int, int]:
        """The lines of an object's head: the comments above it, its kind and its metadata.

        Returns:
            The first line and the first that is not part of it any more, from 1.
        """
        start = node.start_mark.line
        while start > 0 and self.lines[start - 1].lstrip().startswith("#"):
            start -= 1
        others = (key.start_mark.line for key, _ in node.value if key.value not in _HEAD)
        return start + 1, min(others, default=node.end_mark.line + 1) + 1


def _objects(node: yaml.Node) -> Iterator[yaml.MappingNode]:
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        if key.value == "items" and isinstance(value, yaml.SequenceNode):
            for each in value.value:
                yield from _objects(each)
            return
    yield node


def _step(node: yaml.Node, step: str | int) -> Field | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(step, str) and key.value == step:
                return Field(key, value)
    elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return Field(None, node.value[step])
    return None
