"""Requests: which keys are to be reconciled, and how urgently."""

from __future__ import annotations

from enum import IntEnum

from homelab_netpol.definitions import DefinitionKind
from homelab_netpol.policy.keys import Scope, WorkKey


class Priority(IntEnum):
    """Which key goes first: for the hatch a person waits at night, for a resync no one does."""

    HATCH = 0
    CHANGE = 1
    TARGET = 2
    RESYNC = 3
    STATUS = 4


Requests = dict[WorkKey, Priority]


def merge(into: Requests, more: Requests) -> None:
    """Adds requests; of two for the same key, the more urgent one counts."""
    for key, priority in more.items():
        into[key] = min(priority, into.get(key, priority))


def namespace_key(name: str) -> WorkKey:
    """The key of a Namespace's own policies."""
    return WorkKey(Scope.NAMESPACE, name)


def target_key(resource: str) -> WorkKey:
    """The key of the policies beside a shared resource."""
    return WorkKey(Scope.TARGET, resource)


def status_key(kind: DefinitionKind, name: str) -> WorkKey:
    """The key of a custom resource's status."""
    profile = kind is DefinitionKind.PROFILE
    return WorkKey(Scope.PROFILE_STATUS if profile else Scope.RESOURCE_STATUS, name)
