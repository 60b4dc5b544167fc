"""The custom resources as watches and lists show them: what they say, and the status they carry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

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
    """All custom resources. Methods that take news say whether a spec changed."""

    def __init__(self) -> None:
        self._live: dict[DefinitionKind, dict[str, LiveDefinition]] = {
            k: {} for k in DefinitionKind
        }
        self._deleted: dict[tuple[DefinitionKind, str], int] = {}

    def get(self, kind: DefinitionKind, name: str) -> LiveDefinition | None:
        """One of them; None when it is not there."""
        return self._live[kind].get(name)

    def names(self, kind: DefinitionKind) -> list[str]:
        """The names of all of a kind."""
        return list(self._live[kind])

    def definitions(self) -> Definitions:
        """What all of them say."""
        profiles, resources = (
            [live.definition for live in self._live[kind].values()] for kind in DefinitionKind
        )
        return Definitions(
            {each.name: each for each in profiles if isinstance(each, ProfileDefinition)},
            {each.name: each for each in resources if isinstance(each, ResourceDefinition)},
        )

    def observe(self, kind: DefinitionKind, live: LiveDefinition) -> bool:
        """Takes in one that was added or changed."""
        name = live.definition.name
        known = self.get(kind, name)
        if known is not None and known.version >= live.version:
            return False
        if self._deleted.get((kind, name), 0) >= live.version:
            return False
        self._live[kind][name] = live
        return known is None or known.definition != live.definition

    def forget(self, kind: DefinitionKind, name: str, version: int) -> bool:
        """Takes in that one is gone."""
        known = self.get(kind, name)
        self._deleted[kind, name] = max(version, self._deleted.get((kind, name), 0))
        if known is None or known.version > version:
            return False
        del self._live[kind][name]
        return True

    def drop(self, kind: DefinitionKind, name: str) -> bool:
        """Takes in that one is gone with its CRD; whoever makes it again gets a later version."""
        known = self.get(kind, name)
        return known is not None and self.forget(kind, name, known.version)

    def replace(
        self, kind: DefinitionKind, listed: Iterable[LiveDefinition], version: int
    ) -> list[str]:
        """Takes in a whole list, and returns the names whose specs came, changed or went."""
        changed = []
        seen = set()
        for live in listed:
            seen.add(live.definition.name)
            if self.observe(kind, live):
                changed.append(live.definition.name)
        gone = [n for n, k in self._live[kind].items() if n not in seen and k.version <= version]
        changed += [name for name in gone if self.forget(kind, name, version)]
        self._deleted = {
            key: deleted
            for key, deleted in self._deleted.items()
            if key[0] is not kind or deleted > version
        }
        return changed
