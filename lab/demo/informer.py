"""An informer: lists and watches Namespaces, policies and Events, and caches them.

Each collection has a thread of its own. Changes are kept with the time at which they were seen.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Self

from lab.demo.client import Client, Manifest, RequestFailed

_RETRY_SECONDS = 0.5


class Collection(StrEnum):
    """The collections that are watched, by their paths."""

    NAMESPACE = "/api/v1/namespaces"
    CNP = "/apis/cilium.io/v2/ciliumnetworkpolicies"
    CCNP = "/apis/cilium.io/v2/ciliumclusterwidenetworkpolicies"
    EVENT = "/api/v1/events"


POLICIES = (Collection.CNP, Collection.CCNP)


class Key(NamedTuple):
    """Which object."""

    collection: Collection
    namespace: str
    name: str


@dataclass(frozen=True)
class Change:
    """A change of an object, as a watch showed it.

    Attributes:
        at: when it was seen, by the monotonic clock.
        key: which object; a Namespace counts as being in itself.
        before: the object until then; None if it was not there.
        after: the object now; None if it is gone.
    """

    at: float
    key: Key
    before: Manifest | None
    after: Manifest | None


@dataclass(frozen=True)
class Snapshot:
    """The cache at one moment."""

    objects: Mapping[Key, Manifest]

    def labels(self, namespace: str) -> dict[str, str]:
        """The labels of a Namespace; empty if it is not there."""
        found = self.objects.get(Key(Collection.NAMESPACE, namespace, namespace), {})
        return labels_of(found)

    def namespaces(self) -> list[str]:
        """The names of all Namespaces."""
        return sorted(key.name for key in self.objects if key.collection is Collection.NAMESPACE)

    def policies(self, namespace: str | None = None) -> list[Manifest]:
        """All policies, clusterwide ones included, or those in one namespace."""
        return [
            manifest
            for key, manifest in sorted(self.objects.items())
            if key.collection in POLICIES and namespace in (None, key.namespace)
        ]

    def events(self) -> list[Manifest]:
        """All Kubernetes Events."""
        return [
            manifest for key, manifest in self.objects.items() if key.collection is Collection.EVENT
        ]


class Informer:
    """Watches the API server for as long as the `with` block lasts."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._objects: dict[Key, Manifest] = {}
        self._changes: list[Change] = []
        self._changed = threading.Condition()
        self._closing = threading.Event()

    def __enter__(self) -> Self:
        for collection in Collection:
            version = self._list(collection)
            # Daemons: a watch that waits for the next event must not delay the end.
            threading.Thread(target=self._follow, args=(collection, version), daemon=True).start()
        self._changes.clear()
        return self

    def __exit__(self, *error: object) -> None:
        self._closing.set()

    def snapshot(self) -> Snapshot:
        """A copy of the cache."""
        with self._changed:
            return Snapshot(dict(self._objects))

    def wait_for(self, condition: Callable[[Snapshot], bool], seconds: float) -> bool:
        """Waits until a condition holds; False if it does not in time."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while not condition(Snapshot(self._objects)):
                if not self._changed.wait(deadline - time.monotonic()):
                    return False
            return True

    def wait_for_change(self, seconds: float) -> bool:
        """Waits until there is a change to take; False if there is none in time."""
        with self._changed:
            return self._changed.wait_for(lambda: bool(self._changes), seconds)

    def take_changes(self) -> list[Change]:
        """The changes since they were last taken, in the order in which they were seen."""
        with self._changed:
            taken, self._changes = self._changes, []
            return taken

    def last_policy_change(self, namespace: str, since: float) -> float | None:
        """When a policy of a namespace was last seen to change, if it was since then."""
        with self._changed:
            times = [
                change.at
                for change in self._changes
                if change.at >= since
                and change.key.collection is Collection.CNP
                and change.key.namespace == namespace
            ]
        return max(times, default=None)

    def _list(self, collection: Collection) -> str:
        answer = self._client.get(collection.value)
        found = {_key(collection, item): item for item in answer["items"]}
        with self._changed:
            known = [key for key in self._objects if key.collection is collection]
            for key in known:
                if key not in found:
                    self._take(key, None)
            for key, manifest in found.items():
                if self._objects.get(key) != manifest:
                    self._take(key, manifest)
        return str(answer["metadata"]["resourceVersion"])

    def _follow(self, collection: Collection, version: str | None) -> None:
        while not self._closing.is_set():
            try:
                for kind, manifest in self._client.watch(
                    collection.value, version or self._list(collection), self._closing
                ):
                    if kind == "ERROR":  # usually 410: the resourceVersion is too old
                        break
                    self._take(_key(collection, manifest), None if kind == "DELETED" else manifest)
            except RequestFailed:
                # The API server may be back in a moment. Session.check notices if it is not.
                self._closing.wait(_RETRY_SECONDS)
            version = None  # list again, as the watch may have missed events

    def _take(self, key: Key, manifest: Manifest | None) -> None:
        at = time.monotonic()
        with self._changed:
            before = self._objects.pop(key, None)
            if manifest is not None:
                self._objects[key] = manifest
            self._changes.append(Change(at, key, before, manifest))
            self._changed.notify_all()


def labels_of(manifest: Manifest) -> dict[str, str]:
    """The labels of an object."""
    return dict(manifest.get("metadata", {}).get("labels") or {})


def _key(collection: Collection, manifest: Manifest) -> Key:
    metadata = manifest["metadata"]
    namespace = (
        metadata["name"] if collection is Collection.NAMESPACE else metadata.get("namespace", "")
    )
    return Key(collection, namespace, metadata["name"])
