"""Which key's policies come before another's, so that nothing is denied in between."""

from __future__ import annotations

from homelab_netpol.cache.cluster import ClusterCache
from homelab_netpol.policy.keys import (
    CLUSTERWIDE,
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
    """Says who must wait for whom; one who failed holds up nobody but where that would deny."""

    def __init__(self, cache: ClusterCache, queue: WorkQueue) -> None:
        self._cache = cache
        self._queue = queue

    def something_before_denying(self, namespace: str) -> bool:
        """What may deny in a Namespace, or takes something away there, is not yet to be written.

        Policies beside its resources come first: they may allow what the profile, which goes or
        narrows by the same edit, allowed until now. So do baselines that do not yet spare it.
        """
        resources = self._cache.catalogue.resources_in(namespace)
        targets = (WorkKey(Scope.TARGET, name) for name in resources)
        if any(map(self._queue.is_pending, targets)):
            return True
        return self._queue.is_pending(CLUSTERWIDE) and self._baselines_close(namespace)

    def baselines_failed(self, namespace: str) -> bool:
        """The baselines should spare a Namespace, and could not be written."""
        return CLUSTERWIDE in self._queue.failures and self._baselines_close(namespace)

    def hatch_before_target(self, resource: str) -> bool:
        """The hatch of a resource's namespace comes first.

        It may open what the policy beside the resource, by the same edit, no longer does.
        """
        home = self._cache.resource_namespace(resource)
        intent = self._cache.intents.get(home) if home is not None else None
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
