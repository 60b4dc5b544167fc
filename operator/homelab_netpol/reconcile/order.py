"""Which key's policies come before another's, so that nothing is denied in between."""

from __future__ import annotations

from homelab_netpol.cache.cluster import ClusterCache
from homelab_netpol.policy.keys import (
    CLUSTERWIDE,
    WAYPOINTS,
    Component,
    Kind,
    PolicyKey,
    Scope,
    WorkKey,
    policy_name,
)
from homelab_netpol.reconcile.queue import WorkQueue
from homelab_netpol.settings import DefaultDeny


class Order:
    """Says who must wait for whom; a failed one holds up the others only where that would deny."""

    def __init__(self, cache: ClusterCache, queue: WorkQueue) -> None:
        self._cache = cache
        self._queue = queue

    def something_before_denying(self, namespace: str) -> bool:
        """What may deny in a Namespace, or takes something away there, is not yet to be written.

        Policies beside its resources and waypoints come first: they may allow what the profile,
        which goes or narrows by the same edit, allowed until now. So do baselines that do not yet
        spare it.
        """
        cache = self._cache
        resources = {
            *cache.catalogue.resources_in(namespace),
            *cache.resources_led_by(namespace),
        }
        beside = [WorkKey(Scope.TARGET, name) for name in resources]
        if cache.intents.serves_others(namespace):
            beside.append(WAYPOINTS)
        if any(map(self._queue.is_pending, beside)):
            return True
        return self._queue.is_pending(CLUSTERWIDE) and self._baselines_close(namespace)

    def baselines_failed(self, namespace: str) -> bool:
        """The baselines should spare a Namespace, and could not be written."""
        return CLUSTERWIDE in self._queue.failures and self._baselines_close(namespace)

    def hatch_before(self, key: WorkKey) -> bool:
        """The hatch of a namespace with policies beside a resource or waypoints comes first.

        It may open what these, by the same edit, no longer do.
        """
        where = {policy.namespace for policy in self._cache.policies.owned_by(key)}
        if key.scope is Scope.TARGET:
            where.add(self._cache.resource_namespace(key.name) or "")
        return any(map(self._opens_soon, where))

    def _opens_soon(self, namespace: str) -> bool:
        intent = self._cache.intents.get(namespace)
        if intent is None or not intent.hatch_open:
            return False
        hatch = PolicyKey(Kind.CNP, intent.namespace, policy_name(Component.HATCH))
        pending = self._queue.is_pending(WorkKey(Scope.NAMESPACE, intent.namespace))
        return pending and self._cache.policies.get(hatch) is None

    def _baselines_close(self, namespace: str) -> bool:
        """Baselines deny in a Namespace that has come to the platform, as they soon do not.

        Its profile goes after that: it would be denied what the profile allowed, and what is open
        without one.
        """
        cache, intent = self._cache, self._cache.intents.get(namespace)
        if intent is None or not intent.platform or cache.scope is not DefaultDeny.WORKLOAD:
            return False
        return cache.policies.is_closed_by_baselines(namespace)
