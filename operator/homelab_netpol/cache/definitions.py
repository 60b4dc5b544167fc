"""The custom resources as watches and lists show them: what they say, and the status they carry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from homelab_netpol.cache.store import VersionedStore
from homelab_netpol.definitions import (
    Definition,
    DefinitionKind,
    Definitions,
    ProfileDefinition,
    ResourceDefinition,
    read_profile,
    read_resource,
)


@dataclass(frozen=True, slots=True)
class LiveDefinition:
    """A custom resource as it stands.

    Attributes:
        definition: what it says.
        version: its resourceVersion.
        uid: of this incarnation.
        status: as it stands, for comparing.
    """

    definition: Definition
    version: int
    uid: str
    status: Mapping[str, Any]


def read_definition(kind: DefinitionKind, manifest: Mapping[str, Any]) -> LiveDefinition:
    """Reduces an object of the API server to what is kept of it."""
    metadata = manifest["metadata"]
    read = read_profile if kind is DefinitionKind.PROFILE else read_resource
    return LiveDefinition(
        definition=read(manifest),
        version=int(metadata["resourceVersion"]),
        uid=metadata["uid"],
        status=manifest.get("status") or {},
    )


class DefinitionCache:
    """All custom resources. The methods that observe say whether a spec changed."""

    def __init__(self) -> None:
        self._stores: dict[DefinitionKind, VersionedStore[str, LiveDefinition]] = {
            kind: VersionedStore(attrgetter("version")) for kind in DefinitionKind
        }

    def get(self, kind: DefinitionKind, name: str) -> LiveDefinition | None:
        """One of them; None when it does not exist."""
        return self._stores[kind].get(name)

    def names(self, kind: DefinitionKind) -> list[str]:
        """The names of all of a kind."""
        return list(self._stores[kind])

    def definitions(self) -> Definitions:
        """What all of them say."""
        profiles, resources = (
            [live.definition for live in self._stores[kind].values()] for kind in DefinitionKind
        )
        return Definitions(
            {each.name: each for each in profiles if isinstance(each, ProfileDefinition)},
            {each.name: each for each in resources if isinstance(each, ResourceDefinition)},
        )

    def is_newer(self, kind: DefinitionKind, name: str, version: int) -> bool:
        """Whether a state of this resourceVersion is newer than what is known of the object."""
        return self._stores[kind].is_newer(name, version)

    def observe(self, kind: DefinitionKind, live: LiveDefinition) -> bool:
        """Takes in the state of one."""
        name, store = live.definition.name, self._stores[kind]
        if not store.is_newer(name, live.version):
            return False
        known = store.get(name)
        store.put(name, live)
        return known is None or known.definition != live.definition

    def forget(self, kind: DefinitionKind, name: str, version: int) -> bool:
        """Takes in that one was deleted."""
        known = self._stores[kind].get(name)
        return self._stores[kind].delete(name, version) and known is not None

    def drop(self, kind: DefinitionKind, name: str) -> bool:
        """Takes in that one is gone with its CRD; created again, it has a later version."""
        known = self.get(kind, name)
        return known is not None and self.forget(kind, name, known.version)

    def replace(
        self, kind: DefinitionKind, listed: Iterable[LiveDefinition], version: int
    ) -> list[str]:
        """Takes in a whole list; the names whose specs came, changed or went."""
        store, seen, changed = self._stores[kind], set(), []
        for live in listed:
            seen.add(live.definition.name)
            if self.observe(kind, live):
                changed.append(live.definition.name)
        gone = store.absent_from(seen, version)
        changed += [name for name in gone if self.forget(kind, name, version)]
        store.expire_tombstones(version)
        return changed
