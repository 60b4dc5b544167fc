"""Reconciles one key: plan what should stand, compare with what does, write, report."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Mapping, Sequence

from homelab_netpol.cache.cluster import ClusterCache
from homelab_netpol.cluster.errors import ApiError, Conflict, Unavailable
from homelab_netpol.definitions import DefinitionKind
from homelab_netpol.intent import Intent
from homelab_netpol.policy.diff import Change, Create, Delete, Replace, diff, in_steps, only_allows
from homelab_netpol.policy.keys import (
    CLUSTERWIDE,
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
from homelab_netpol.reconcile.order import Order
from homelab_netpol.reconcile.queue import WorkQueue
from homelab_netpol.reconcile.requests import Priority
from homelab_netpol.reconcile.statuses import Statuses
from homelab_netpol.reconcile.writer import ForeignPolicy, Writer
from homelab_netpol.reporting.reporter import Reporter
from homelab_netpol.telemetry.metrics import Metrics

log = logging.getLogger(__name__)


class ReconcileError(Exception):
    """Some of a key's policies are not as they should be; the key must be retried.

    Attributes:
        retry_after: seconds that the server asked us to wait, 0 if it did not.
    """

    def __init__(self, problems: Sequence[str], retry_after: float) -> None:
        super().__init__("; ".join(problems))
        self.retry_after = retry_after


class Requeue(Exception):
    """The rest must wait a moment: for another key's turn, or until labels are known again."""


class Reconciler:
    """Brings the policies of one key to what they should be."""

    def __init__(
        self,
        cache: ClusterCache,
        queue: WorkQueue,
        writer: Writer,
        statuses: Statuses,
        reporter: Reporter,
        auto_scope: AutoScope,
        labels_current: asyncio.Event,
        metrics: Metrics,
    ) -> None:
        """Prepares; nothing is written while `labels_current` is cleared (decision 13)."""
        self._cache = cache
        self._queue = queue
        self._writer = writer
        self._statuses = statuses
        self._reporter = reporter
        self._auto_scope = auto_scope
        self._order = Order(cache, queue)
        self._labels_current = labels_current
        self._metrics = metrics
        self._verified: dict[WorkKey, dict[PolicyKey, int]] = {}

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
            case Scope.TARGET | Scope.GATEWAY:
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
            self._verified.pop(key, None)
            return 0
        if not namespaces.is_writable(key.name):
            return 0
        before = cache.applied(key.name)
        plan = cache.planner.namespace(intent, namespaces.is_meshed)
        retained = _retained_names(intent)
        standing = {
            policy: live
            for policy, live in cache.policies.owned_by(key).items()
            if policy.name not in retained and policy not in plan.failed
        }
        self._reporter.problems(intent)
        try:
            written = await self._apply(key, diff(plan.policies, standing))
        finally:
            # Whatever else could not be written: that the namespace is open must be seen.
            hatch = PolicyKey(Kind.CNP, key.name, policy_name(Component.HATCH))
            self._reporter.hatch.report(intent, before, cache.policies.get(hatch))
        if plan.failed:
            self._reporter.render_failed(key.name, next(iter(plan.failed.values())))
            raise ReconcileError([str(error) for error in plan.failed.values()], 0.0)
        cache.record_applied(intent)
        self._verified[key] = {policy.key: _mark(policy) for policy in plan.policies}
        self._reporter.applied(intent, before)
        if intent.profile is not None and cache.policies.is_spared(key.name):
            # It is the platform's no longer, and was spared until its profile stood.
            self._queue.enqueue({CLUSTERWIDE: Priority.CHANGE})
        return written

    async def _shared(self, key: WorkKey) -> int:
        """The policies beside a shared resource or a gateway, which list its consumers."""
        cache, is_meshed = self._cache, self._cache.namespaces.is_meshed
        if key.scope is Scope.TARGET and self._order.hatch_before_target(key.name):
            raise Requeue
        consumers = cache.intents.consumers(key)
        try:
            if key.scope is Scope.GATEWAY:
                gateway = cache.planner.gateway(key.name, consumers, is_meshed)
                policies = [gateway] if gateway is not None else []
            elif key.name in cache.catalogue.vocabulary.resources:
                owner = cache.intents.get(cache.catalogue.resource(key.name).namespace or "")
                policies = cache.planner.beside(key.name, consumers, owner, is_meshed)
            elif cache.intents.retains_grant(key.name):
                return 0
            else:
                policies = []
        except RenderError as error:
            raise ReconcileError([str(error)], 0.0) from error
        is_writable = cache.namespaces.is_writable
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
        written = await self._apply(key, diff(wanted, standing))
        self._verified[key] = {policy.key: _mark(policy) for policy in wanted}
        return written

    async def _apply(self, work: WorkKey, changes: Sequence[Change]) -> int:
        """Makes the changes in an order that cuts nothing off.

        What was revoked is revoked even if something else cannot be written. Only the hatch stays
        open until all the rest stands: closing it is to bring back the profile, not a lock-out. But
        not if trying again will not help: a hatch that no label asks for must not stay open.
        """
        self._reporter.clear_failures(work, except_for={_key_of(change) for change in changes})
        outcomes: list[bool | Exception] = []
        hatch = policy_name(Component.HATCH)
        for step in in_steps(changes):
            may_deny = work.scope is Scope.NAMESPACE and not only_allows(step[0])
            if may_deny and self._order.something_before_denying(work.name):
                raise Requeue
            if may_deny and self._order.baselines_failed(work.name):
                problem = f"the profile in {work.name} stays until the baselines are written"
                raise ReconcileError([problem], 0.0)
            if any(isinstance(outcome, Unavailable | Conflict) for outcome in outcomes):
                step = [each for each in step if not _is_removal_of(each, hatch)]
            if not self._labels_current.is_set():
                break
            outcomes += await self._write_all(work, step)
        problems = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        if problems:
            waits = [p.retry_after or 0.0 for p in problems if isinstance(p, ApiError)]
            raise ReconcileError([str(problem) for problem in problems], max(waits, default=0.0))
        if len(outcomes) < len(changes):
            raise Requeue
        return sum(outcome is True for outcome in outcomes)

    async def _write_all(self, work: WorkKey, changes: Sequence[Change]) -> list[bool | Exception]:
        if len(changes) == 1:  # as nearly always; a task for it would be a tenth of our share
            return [await self._write(work, changes[0])]
        return list(await asyncio.gather(*(self._write(work, change) for change in changes)))

    async def _write(self, work: WorkKey, change: Change) -> bool | Exception:
        """Makes one change; a failure is reported at once, and returned for the others' sake."""
        key = _key_of(change)
        try:
            written = await self._writer.write(change)
        except ForeignPolicy as error:
            self._reporter.name_taken(error.key, str(error))
            return error
        except ApiError as error:
            self._reporter.write_failed(key, error)
            return error
        self._reporter.write_worked(key)
        if written:
            self._count(work, change, key)
        return written

    def _count(self, work: WorkKey, change: Change, key: PolicyKey) -> None:
        match change:
            case Create(policy):
                operation, component = "create", str(policy.component)
            case Replace(policy, _):
                operation, component = "replace", str(policy.component)
            case Delete(live):
                operation, component = "delete", self._cache.label_keys.component_of(live)
        self._metrics.writes.labels(operation, component).inc()
        log.debug("%s %s", operation, key)
        # What was right, and is still wanted the same, was changed by others.
        if not isinstance(change, Delete):
            known = self._verified.get(work, {}).get(key)
            if known == _mark(change.policy):
                self._reporter.drift_reverted(key)


def _retained_names(intent: Intent) -> set[str]:
    """The policies that stay as they are, as what they follow from is not usable now."""
    names = {policy_name(Component.ACCESS, resource) for resource in intent.retained_grants}
    of_profile = {policy_name(Component.PROFILE), policy_name(Component.MESH)}
    return names | of_profile if intent.retained_profile else names


def _key_of(change: Change) -> PolicyKey:
    return change.live.key if isinstance(change, Delete) else change.policy.key


def _is_removal_of(change: Change, name: str) -> bool:
    return isinstance(change, Delete) and change.live.key.name == name


def _mark(policy: Policy) -> int:
    """Distinguishes two renderings of one policy apart, labels and annotations included."""
    labels = tuple(sorted(policy.labels.items()))
    return hash((policy.digest, labels, tuple(sorted(policy.annotations.items()))))
