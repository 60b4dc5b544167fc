"""One Kubernetes object, and where it was read. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class ManifestError(Exception):
    """Input that cannot be used. The message names the file, the place in it and the remedy."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where an object was read.

    Attributes:
        file: its path as it was given, `git:REV:PATH`, `-` for standard input, or `cluster`.
        line: of its first line, from 1; 0: it has none.
    """

    file: str
    line: int = 0

    def __str__(self) -> str:
        """As errors name it: `path:line`."""
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object.

    Attributes:
        data: as it was written.
        source: where.
    """

    data: Mapping[str, Any]
    source: Source

    @property
    def kind(self) -> str:
        """Its kind."""
        kind: str = self.data["kind"]
        return kind

    @property
    def group(self) -> str:
        """The API group of its kind; "" for the core one."""
        group, slash, _ = str(self.data["apiVersion"]).partition("/")
        return group if slash else ""

    @property
    def name(self) -> str:
        """Its name."""
        name: str = self.data["metadata"]["name"]
        return name

    @property
    def namespace(self) -> str:
        """Its namespace; "": it is not namespaced, or its author leaves that to who applies it."""
        return self.data["metadata"].get("namespace") or ""

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""
        return self.data["metadata"].get("labels") or {}

    @property
    def annotations(self) -> Mapping[str, str]:
        """Its annotations."""
        return self.data["metadata"].get("annotations") or {}

    @property
    def stands(self) -> bool:
        """An API server gave it: it stands in a cluster, or did when it was read."""
        metadata: Mapping[str, Any] = self.data["metadata"]
        return "uid" in metadata and "resourceVersion" in metadata

    def __str__(self) -> str:
        """As errors name it: kind, namespace and name."""
        where = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind} {where}{self.name}"
