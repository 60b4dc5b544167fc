"""The Namespaces: their labels and annotations, as Kopf's watch and lists show them."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import Any, NamedTuple

from homelab_netpol.cache.store import VersionedStore
from homelab_netpol.intent import NamespaceFacts, Vocabulary, Waypoint, waypoint_of_facts


class ObservedNamespace(NamedTuple):
    """A Namespace as a watch or a list shows it.

    Attributes:
        facts: what policies can depend on.
        version: its resourceVersion.
        uid: of this incarnation.
    """

    facts: NamespaceFacts
    version: int
    uid: str


class NamespaceCache(VersionedStore[str, ObservedNamespace]):
    """All Namespaces, by name."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        """Makes an empty cache.

        Args:
            vocabulary: which labels and annotations are kept. Custom resources do not change that.
        """
        super().__init__(attrgetter("version"))
        self._vocabulary = vocabulary

    def read(self, manifest: Mapping[str, Any]) -> ObservedNamespace:
        """Reduces a Namespace to what is kept of it.

        Raises:
            KeyError: the manifest has no name, uid or resourceVersion, so no API server sent it.
        """
        metadata = manifest["metadata"]
        facts = self._vocabulary.facts(
            metadata["name"],
            metadata.get("labels"),
            metadata.get("annotations"),
            terminating=bool(metadata.get("deletionTimestamp")),
        )
        return ObservedNamespace(facts, int(metadata["resourceVersion"]), metadata["uid"])

    def exists(self, name: str) -> bool:
        """The Namespace exists, though it may be being deleted."""
        return self.get(name) is not None

    def uid(self, name: str) -> str:
        """The uid of a Namespace; "" when it does not exist."""
        observed = self.get(name)
        return observed.uid if observed is not None else ""

    def labels(self, name: str) -> Mapping[str, str] | None:
        """All labels of a Namespace; None when it does not exist."""
        observed = self.get(name)
        return observed.facts.selectable if observed is not None else None

    def is_writable(self, name: str) -> bool:
        """The Namespace exists and is not being deleted."""
        observed = self.get(name)
        return observed is not None and not observed.facts.terminating

    def is_meshed(self, name: str) -> bool:
        """The Namespace exists and is part of the mesh."""
        observed = self.get(name)
        key, value = self._vocabulary.mesh_label
        return observed is not None and observed.facts.labels.get(key) == value

    def waypoint_of(self, name: str) -> Waypoint | None:
        """By way of which calls go to a Namespace's Services; None: none, or it is not meshed."""
        observed = self.get(name)
        if observed is None or not self.is_meshed(name):
            return None
        return waypoint_of_facts(observed.facts.labels)
