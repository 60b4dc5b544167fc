"""Requests to look at keys, and whom a changed intent concerns beside its own Namespace."""

from __future__ import annotations

from datetime import datetime

from homelab_netpol.cache.definitions import DefinitionCache
from homelab_netpol.definitions import DefinitionKind
from homelab_netpol.intent import Intent
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.keys import CLUSTERWIDE, Scope, WorkKey
from homelab_netpol.reconcile.queue import Priority

Requests = dict[WorkKey, Priority]


def merge(into: Requests, news: Requests) -> None:
    """Adds requests; of two for the same key, the more urgent one counts."""
    for key, priority in news.items():
        into[key] = min(priority, into.get(key, priority))


def status_key(kind: DefinitionKind, name: str) -> WorkKey:
    """The key of a custom resource's status."""
    profile = kind is DefinitionKind.PROFILE
    return WorkKey(Scope.PROFILE_STATUS if profile else Scope.RESOURCE_STATUS, name)


def concerned(
    old: Intent | None, new: Intent | None, catalogue: Catalogue, defined: DefinitionCache
) -> Requests:
    """What a changed intent concerns beyond policies of its own: the hatch's net, who counts users.

    Args:
        old: what was wanted before; None: nothing was known.
        new: what is wanted now; None: the Namespace is gone.
        catalogue: what is defined.
        defined: the custom resources that are there.
    """
    requests: Requests = {}
    if _expired(old) != _expired(new):
        requests[CLUSTERWIDE] = Priority.HATCH
    words, lineage = catalogue.vocabulary, catalogue.definitions.lineage
    moved = profiles_of(old) ^ profiles_of(new)
    profiles = moved | {each for name in moved for each in lineage(name)}
    resources = {name for name, _ in _resources(old) ^ _resources(new)}
    for kind, names, known in (
        (DefinitionKind.PROFILE, profiles, words.profiles),
        (DefinitionKind.RESOURCE, resources, words.resources),
    ):
        for name in names:
            # What is neither there nor in templates or settings was deleted in use.
            if defined.get(kind, name) is not None or name not in known:
                requests[status_key(kind, name)] = Priority.STATUS
    return requests


def profiles_of(intent: Intent | None) -> set[str]:
    """The profile that a Namespace uses: in force, or kept."""
    if intent is None:
        return set()
    return {name for name in (intent.profile, intent.retained_profile) if name is not None}


def _resources(intent: Intent | None) -> set[tuple[str, bool]]:
    """The shared resources that a Namespace uses or asks for, and whether it may."""
    if intent is None:
        return set()
    used = {(name, True) for name in (*intent.grants, *intent.retained_grants)}
    return used | {(name, False) for name in intent.refused_grants}


def _expired(intent: Intent | None) -> datetime | None:
    return intent.hatch_since if intent is not None and intent.hatch_expired else None
