"""Lists all Namespaces, and keeps of the list only what is newer than the cache."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from homelab_netpol.cache.namespaces import NamespaceCache, ObservedNamespace
from homelab_netpol.cluster.resources import Resources


class NamespaceList(NamedTuple):
    """What a list showed.

    Attributes:
        present: the names of all Namespaces.
        newer: those in a newer state than the cache had while it was read.
        version: the list's resourceVersion.
    """

    present: set[str]
    newer: list[ObservedNamespace]
    version: int


async def list_namespaces(resources: Resources, cache: NamespaceCache) -> NamespaceList:
    """Lists.

    Raises:
        ApiError: the list failed.
    """
    newer: list[ObservedNamespace] = []

    def name_of(manifest: Mapping[str, Any]) -> str:
        # What is known already, nearly all of a large list, is not read any further.
        metadata = manifest["metadata"]
        name: str = metadata["name"]
        if cache.is_newer(name, int(metadata["resourceVersion"])):
            newer.append(cache.read(manifest))
        return name

    names, version = await resources.namespaces(name_of)
    return NamespaceList(set(names), newer, version)
