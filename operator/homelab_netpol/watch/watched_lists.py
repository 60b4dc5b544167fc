"""Lists of what Kopf watches, each compared with what its watch has delivered."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from homelab_netpol.cache.cluster import ClusterCache
from homelab_netpol.cache.definitions import LiveDefinition, read_definition
from homelab_netpol.cache.namespaces import ObservedNamespace
from homelab_netpol.cluster.resources import Resources
from homelab_netpol.definitions import DefinitionKind
from homelab_netpol.watch.kopf_watch import KopfWatch


class NamespaceList(NamedTuple):
    """What a list of Namespaces shows.

    Attributes:
        present: the names of all.
        newer: those in a newer state than the cache had while the list was read.
        version: the list's resourceVersion.
    """

    present: set[str]
    newer: list[ObservedNamespace]
    version: int


class WatchedLists:
    """Lists, compares, and leaves it to the caller to take the list in."""

    def __init__(
        self, resources: Resources, cache: ClusterCache, watches: Mapping[str, KopfWatch]
    ) -> None:
        """Prepares; `watches` are Kopf's, by the plural of what they watch."""
        self._resources = resources
        self._cache = cache
        self._watches = watches

    async def namespaces(self) -> NamespaceList:
        """Lists all Namespaces, and keeps of them only what is newer than the cache.

        Raises:
            ApiError: the list failed.
        """
        cache, newer = self._cache.namespaces, list[ObservedNamespace]()

        def name_of(manifest: Mapping[str, Any]) -> str:
            # What is known already, nearly all of a large list, is not read any further.
            metadata = manifest["metadata"]
            name: str = metadata["name"]
            if cache.is_newer(name, int(metadata["resourceVersion"])):
                newer.append(cache.read(manifest))
            return name

        names, version = await self._resources.namespaces(name_of)
        present = set(names)
        # Between the pages of the list the watch may have delivered some.
        late = {o.facts.name: o.version for o in newer if cache.is_newer(o.facts.name, o.version)}
        self._watches["namespaces"].compare(late, present)
        return NamespaceList(present, newer, version)

    async def definitions(self, kind: DefinitionKind) -> tuple[list[LiveDefinition], int]:
        """Lists the custom resources of a kind; they, and the list's resourceVersion.

        Raises:
            ApiError: the list failed; NotFound when the CRD is not installed.
        """
        listed, version = await self._resources.definitions(kind, partial(read_definition, kind))
        versions = {live.definition.name: live.version for live in listed}
        is_newer = partial(self._cache.definitions.is_newer, kind)
        late = {name: at for name, at in versions.items() if is_newer(name, at)}
        self._watches[kind.plural].compare(late, versions)
        return listed, version
