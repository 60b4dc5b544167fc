"""Reads what a Namespace wants into the cache, and requests what depends on that."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime
from typing import Any

from homelab_netpol.cache.cluster import ClusterCache
from homelab_netpol.intent import Intent, LastGood, NamespaceFacts, read_intent
from homelab_netpol.policy.keys import CLUSTERWIDE, GATEWAY_KEYS, WAYPOINTS, Scope, WorkKey
from homelab_netpol.reconcile.dependents import beyond_own_policies
from homelab_netpol.reconcile.requests import (
    Priority,
    Requests,
    merge,
    namespace_key,
    target_key,
)


class IntentReader:
    """Keeps the intents, their deadlines and the consumers of what is shared up to date."""

    def __init__(self, cache: ClusterCache, clock: Callable[[], datetime]) -> None:
        self._cache = cache
        self._clock = clock

    def read(self, facts: NamespaceFacts, before: NamespaceFacts | None) -> Requests:
        """Reads what a Namespace wants now, and requests what depends on that."""
        cache, name = self._cache, facts.name
        old = cache.intents.get(name)
        if facts.terminating and old is not None:
            # Its pods may still be ending in good order, and may need what they were granted.
            return {} if before is not None and before.terminating else self.sharing_with(name)
        last_good = self._last_good(facts, old)
        intent = read_intent(facts, last_good, cache.catalogue.vocabulary, self._clock())
        cache.intents.put(intent)
        left_out = name in cache.grace.left_out
        if old is not None and old.hatch_since is not None and intent.hatch_since is None:
            cache.hatch_closed(old)
        elif intent.hatch_since is not None:
            cache.grace.take_back(name)
        cache.deadlines.set(name, intent.hatch_until if intent.hatch_open else None)
        hatch_moved = intent.hatch_open != (old is not None and old.hatch_open)
        requests = {namespace_key(name): Priority.HATCH if hatch_moved else Priority.CHANGE}
        merge(requests, beyond_own_policies(old, intent, cache))
        if left_out != (name in cache.grace.left_out):
            requests[CLUSTERWIDE] = Priority.HATCH
        mesh_moved = _in_mesh(old) != _in_mesh(intent)
        for key in cache.intents.shared_keys():
            value = self.consumes(intent, key)
            moved = cache.intents.set_consumer(key, name, value)
            if value is not None and mesh_moved:
                moved = True
            if moved and self._has_home(key):
                requests[key] = Priority.TARGET
        for resource in {*intent.retained_grants, *(old.retained_grants if old else ())}:
            requests[target_key(resource)] = Priority.TARGET
        profile_moved = old is not None and (old.profile is None) != (intent.profile is None)
        if before is None or mesh_moved or profile_moved or before.terminating:
            merge(requests, self.sharing_with(name))
        return requests

    def _last_good(self, facts: NamespaceFacts, old: Intent | None) -> LastGood:
        """What was last good; of a hatch whose label has only blinked, since when it is open."""
        cache, name = self._cache, facts.name
        uid, words = cache.namespaces.uid(name), cache.catalogue.vocabulary
        last_good = cache.last_good.before(name, uid, old)
        if old is None or old.hatch_since is not None:
            return last_good
        reopened = cache.grace.hatch_reopened(name, uid)
        if reopened is None or facts.labels.get(words.enforcement_key) != "disabled":
            return last_good
        since, expired = reopened
        return dataclasses.replace(last_good, hatch_since=since, hatch_open=not expired)

    def consumes(self, intent: Intent, key: WorkKey) -> str | None:
        """As what a shared resource lets a Namespace in; a gateway that it calls or is reached by.

        Returns:
            The value of its grant; None: it is not let in.
        """
        if key.scope is Scope.TARGET:
            return self._cache.planner.let_in(intent, key.name)
        if key == WAYPOINTS:
            return self._cache.planner.waypoints.consumes(intent)
        return self._cache.planner.gateways.consumes(key, intent)

    def _has_home(self, key: WorkKey) -> bool:
        """There is a Namespace for what a key writes; once it comes, `sharing_with` asks for it."""
        if key not in GATEWAY_KEYS:
            return True
        homes = self._cache.planner.gateways.homes[key.name]
        return any(map(self._cache.namespaces.exists, homes))

    def sharing_with(self, name: str) -> Requests:
        """A namespace came, went or changed its mesh: what it shares, and with which others."""
        requests: Requests = {}
        for resource in self._cache.catalogue.resources_in(name):
            key = target_key(resource)
            requests[key] = Priority.TARGET
            for consumer in self._cache.intents.consumers(key):
                requests[namespace_key(consumer)] = Priority.CHANGE
        for resource in self._cache.resources_led_by(name):
            requests[target_key(resource)] = Priority.TARGET
        homes = self._cache.planner.gateways.homes
        is_gateways = any(name in each for each in homes.values())
        if self._cache.intents.serves_others(name) or is_gateways:
            requests[WAYPOINTS] = Priority.TARGET
        if is_gateways:
            for key in GATEWAY_KEYS:
                requests[key] = Priority.TARGET
                if key.scope is Scope.CALLERS:
                    for caller in self._cache.intents.consumers(key):
                        requests[namespace_key(caller)] = Priority.CHANGE
        return requests


def _in_mesh(intent: Intent | None) -> tuple[Any, ...]:
    """All that others' policies may follow from, of how a Namespace is part of the mesh."""
    if intent is None:
        return False, None, False
    return intent.meshed, intent.waypoint, intent.ingress_by_waypoint
