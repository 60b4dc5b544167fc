"""Reconciles one key: plan what should stand, compare with what does, write, report."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping

from homelab_netpol.cache.cluster import ClusterCache
from homelab_netpol.cluster.errors import ApiError
from homelab_netpol.definitions import DefinitionKind
from homelab_netpol.intent import Intent
from homelab_netpol.policy.diff import diff
from homelab_netpol.policy.keys import (
    CLUSTERWIDE,
    GATEWAY_KEYS,
    OWN_WAY,
    WAYPOINTS,
    Component,
    Kind,
    PolicyKey,
    Scope,
    WorkKey,
    policy_name,
)
from homelab_netpol.policy.objects import LivePolicy, Policy
from homelab_netpol.policy.rendering import RenderError
from homelab_netpol.reconcile.auto_scope import AutoScope
from homelab_netpol.reconcile.change_applier import ChangeApplier, ReconcileError, Requeue
from homelab_netpol.reconcile.order import Order
from homelab_netpol.reconcile.queue import WorkQueue
from homelab_netpol.reconcile.requests import Priority
from homelab_netpol.reconcile.statuses import Statuses
from homelab_netpol.reporting.reporter import Reporter


class Reconciler:
    """Brings the policies of one key to what they should be."""

    def __init__(
        self,
        cache: ClusterCache,
        queue: WorkQueue,
        changes: ChangeApplier,
        statuses: Statuses,
        reporter: Reporter,
        auto_scope: AutoScope,
    ) -> None:
        self._cache = cache
        self._queue = queue
        self._changes = changes
        self._statuses = statuses
        self._reporter = reporter
        self._auto_scope = auto_scope
        self._order = Order(cache, queue)

    async def reconcile(self, key: WorkKey) -> int:
        """Reconciles a key.

        Returns:
            How many policies, or statuses, were written.

        Raises:
            ReconcileError: something could not be written; what stood before still stands.
            Requeue: something was left for a moment later.
        """
        self._auto_scope.follow_standing()
        try:
            return await self._reconcile(key)
        finally:
            if key.scope is Scope.NAMESPACE:
                self._auto_scope.wake()
            self._reporter.rejected(key, self._cache.policies.owned_by(key).values())

    async def _reconcile(self, key: WorkKey) -> int:
        match key.scope:
            case Scope.NAMESPACE:
                return await self._namespace(key)
            case Scope.TARGET | Scope.GATEWAY | Scope.CALLERS | Scope.WAYPOINTS:
                return await self._shared(key)
            case Scope.CLUSTERWIDE:
                return await self._clusterwide(key)
            case Scope.PROFILE_STATUS:
                return await self._status(DefinitionKind.PROFILE, key.name)
            case Scope.RESOURCE_STATUS:
                return await self._status(DefinitionKind.RESOURCE, key.name)
            case Scope.VOCABULARY:
                return await self._kept(self._statuses.keep_vocabulary(), "the vocabulary")

    async def _status(self, kind: DefinitionKind, name: str) -> int:
        keeping = self._statuses.keep(kind, name)
        return await self._kept(keeping, f"the status of {kind} {name}")

    @staticmethod
    async def _kept(keeping: Awaitable[int], what: str) -> int:
        try:
            return await keeping
        except ApiError as error:
            problem = f"{what} could not be written: {error}"
            raise ReconcileError([problem], error.retry_after or 0.0) from error

    async def _namespace(self, key: WorkKey) -> int:
        cache, namespaces = self._cache, self._cache.namespaces
        intent = cache.intents.get(key.name)
        if intent is None:
            self._reporter.namespace_gone(key.name)
            self._changes.forget(key)
            return 0
        if not namespaces.is_writable(key.name):
            return 0
        before = cache.applied(key.name)
        plan = cache.planner.namespace(intent, namespaces.is_meshed, namespaces.waypoint_of)
        retained = _retained_names(intent)
        standing = {
            policy: live
            for policy, live in cache.policies.owned_by(key).items()
            if policy.name not in retained and policy not in plan.failed
        }
        self._reporter.problems(intent)
        try:
            written = await self._changes.apply(key, diff(plan.policies, standing))
        finally:
            # Whatever else could not be written: that the namespace is open must be seen.
            hatch = PolicyKey(Kind.CNP, key.name, policy_name(Component.HATCH))
            self._reporter.hatch.report(intent, before, cache.policies.get(hatch))
        if plan.failed:
            self._reporter.render_failed(key.name, next(iter(plan.failed.values())))
            raise ReconcileError([str(error) for error in plan.failed.values()], 0.0)
        cache.record_applied(intent)
        self._changes.verified(key, plan.policies)
        self._reporter.applied(intent, before)
        if not intent.platform and cache.policies.is_spared(key.name):
            # It is the platform's no longer, and was spared until its own policies stood.
            self._queue.enqueue({CLUSTERWIDE: Priority.CHANGE})
        elif intent.platform and before.profile and cache.catalogue.settings.companions:
            # It is the platform's now, and had its companions until its profile was gone.
            self._queue.enqueue({CLUSTERWIDE: Priority.CHANGE})
        return written

    async def _shared(self, key: WorkKey) -> int:
        """The policies beside a shared resource, a gateway or waypoints, which list consumers."""
        cache, is_meshed = self._cache, self._cache.namespaces.is_meshed
        is_writable = cache.namespaces.is_writable
        if key not in GATEWAY_KEYS and self._order.hatch_before(key):
            raise Requeue
        consumers = cache.intents.consumers(key)
        try:
            if key in GATEWAY_KEYS:
                gateways = cache.planner.gateways
                policies = gateways.beside(key, consumers, is_meshed, is_writable)
            elif key == WAYPOINTS:
                policies = cache.serving_waypoints()
            elif key.name in cache.catalogue.vocabulary.resources:
                owner = cache.intents.get(cache.catalogue.resource(key.name).home or "")
                waypoint_of = cache.namespaces.waypoint_of
                policies = cache.planner.beside(key.name, consumers, owner, is_meshed, waypoint_of)
            elif cache.intents.retains_grant(key.name):
                return 0
            else:
                policies = []
        except RenderError as error:
            raise ReconcileError([str(error)], 0.0) from error
        wanted = [policy for policy in policies if is_writable(policy.key.namespace)]
        standing = {
            policy: live
            for policy, live in cache.policies.owned_by(key).items()
            if is_writable(policy.namespace)
        }
        return await self._bring_about(key, wanted, standing)

    async def _clusterwide(self, key: WorkKey) -> int:
        try:
            if not await self._auto_scope.before_baselines():
                raise Requeue
        except ApiError as error:
            problem = f"the baselines that stand could not be read: {error}"
            raise ReconcileError([problem], error.retry_after or 0.0) from error
        try:
            wanted = self._cache.clusterwide_policies()
        except RenderError as error:
            raise ReconcileError([str(error)], 0.0) from error
        return await self._bring_about(key, wanted, self._cache.policies.owned_by(key))

    async def _bring_about(
        self, key: WorkKey, wanted: list[Policy], standing: Mapping[PolicyKey, LivePolicy]
    ) -> int:
        written = await self._changes.apply(key, diff(wanted, standing))
        self._changes.verified(key, wanted)
        return written


def _retained_names(intent: Intent) -> set[str]:
    """The policies that stay as they are, as what they follow from is not usable now."""
    names = {policy_name(Component.ACCESS, resource) for resource in intent.retained_grants}
    names |= {policy_name(Component.INGRESS, where) for where in intent.retained_ingress}
    of_profile = {policy_name(Component.PROFILE), policy_name(Component.MESH), OWN_WAY}
    return names | of_profile if intent.retained_profile else names
