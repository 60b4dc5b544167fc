"""A versioned store with tombstones: what every cache of API objects is built on.

Lists, watches and the answers to our own writes arrive in any order. Within one cluster Kubernetes
orders resourceVersions, so the newest state of an object counts, however late an older one comes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class VersionedStore(Generic[Key, Value]):
    """The newest known state of each object of a kind.

    A tombstone is the resourceVersion at which an object was deleted: an older state of it that
    arrives afterwards does not bring it back. A list makes the tombstones before it unnecessary.
    """

    def __init__(self, version_of: Callable[[Value], int]) -> None:
        """Makes an empty store.

        Args:
            version_of: the resourceVersion of a state.
        """
        self._version_of = version_of
        self._objects: dict[Key, Value] = {}
        self._tombstones: dict[Key, int] = {}

    def __len__(self) -> int:
        """How many objects exist."""
        return len(self._objects)

    def __iter__(self) -> Iterator[Key]:
        """The keys of the objects that exist."""
        return iter(self._objects)

    def values(self) -> Iterable[Value]:
        """The states of the objects that exist."""
        return self._objects.values()

    def get(self, key: Key) -> Value | None:
        """The newest known state; None when the object does not exist."""
        return self._objects.get(key)

    def is_newer(self, key: Key, version: int) -> bool:
        """Whether a state of this resourceVersion is newer than what is known of the object."""
        known = self._objects.get(key)
        if known is not None and self._version_of(known) >= version:
            return False
        return self._tombstones.get(key, 0) < version

    def put(self, key: Key, value: Value) -> None:
        """Stores a state, which must be newer than the known one or of the same version."""
        self._objects[key] = value

    def delete(self, key: Key, version: int) -> bool:
        """Records a deletion.

        Returns:
            Whether it is news: not when it was recorded before, or when the object was created
            again since. It is news of an object that is not known, too.
        """
        if self._tombstones.get(key, 0) >= version:
            return False
        self._tombstones[key] = version
        known = self._objects.get(key)
        if known is not None and self._version_of(known) > version:
            return False
        self._objects.pop(key, None)
        return True

    def absent_from(self, listed: Collection[Key], version: int) -> list[Key]:
        """The objects that a list of this resourceVersion would have, if they still existed."""
        return [
            key
            for key, value in self._objects.items()
            if key not in listed and self._version_of(value) <= version
        ]

    def has_tombstone(self, key: Key) -> bool:
        """Whether the object's deletion is recorded."""
        return key in self._tombstones

    def expire_tombstones(self, version: int) -> None:
        """Forgets deletions up to a list's resourceVersion: no older state arrives after that."""
        self._tombstones = {key: at for key, at in self._tombstones.items() if at > version}
