"""What depends on an intent beyond the Namespace's own policies, and moves when it changes."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from homelab_netpol.cache.cluster import ClusterCache
from homelab_netpol.cache.intents import profiles_of
from homelab_netpol.definitions import DefinitionKind
from homelab_netpol.intent import Intent
from homelab_netpol.policy.keys import CLUSTERWIDE
from homelab_netpol.reconcile.requests import Priority, Requests, merge, status_key


def beyond_own_policies(old: Intent | None, new: Intent | None, cache: ClusterCache) -> Requests:
    """Requests the clusterwide policies, and the statuses that count a Namespace.

    Args:
        old: what was wanted before; None: nothing was known.
        new: what is wanted now; None: the Namespace is gone.
        cache: says what is defined.
    """
    requests: Requests = {}
    if _expired(old) != _expired(new):
        requests[CLUSTERWIDE] = Priority.HATCH
    words, lineage = cache.catalogue.vocabulary, cache.catalogue.definitions.lineage
    # The baselines name those that the settings name in any case.
    named = words.platform_namespaces
    if _platform(old, named) != _platform(new, named):
        merge(requests, {CLUSTERWIDE: Priority.CHANGE})
    moved = profiles_of(old) ^ profiles_of(new)
    profiles = moved | {each for name in moved for each in lineage(name)}
    resources = {name for name, _ in _resources(old) ^ _resources(new)}
    for kind, names, known in (
        (DefinitionKind.PROFILE, profiles, words.profiles),
        (DefinitionKind.RESOURCE, resources, words.resources),
    ):
        for name in names:
            # What is neither there nor in templates or settings was deleted in use.
            if cache.definitions.get(kind, name) is not None or name not in known:
                requests[status_key(kind, name)] = Priority.STATUS
    return requests


def _resources(intent: Intent | None) -> set[tuple[str, bool]]:
    """The shared resources that a Namespace uses or asks for, and whether it may."""
    if intent is None:
        return set()
    used = {(name, True) for name in (*intent.grants, *intent.retained_grants)}
    return used | {(name, False) for name in intent.refused_grants}


def _expired(intent: Intent | None) -> datetime | None:
    return intent.hatch_since if intent is not None and intent.hatch_expired else None


def _platform(intent: Intent | None, named: Collection[str]) -> tuple[bool, bool]:
    """Whether baselines spare a Namespace that no setting names, and note its label."""
    if intent is None:
        return False, False
    return intent.platform and intent.namespace not in named, intent.platform_label
