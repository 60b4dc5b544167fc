"""Makes the changes of one work key, in an order that cuts nothing off, and reports each."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence

from homelab_netpol.cache.cluster import ClusterCache
from homelab_netpol.cluster.errors import ApiError, Conflict, Unavailable
from homelab_netpol.policy.diff import Change, Create, Delete, Replace, in_steps, only_allows
from homelab_netpol.policy.keys import Component, PolicyKey, Scope, WorkKey, policy_name
from homelab_netpol.policy.objects import Policy
from homelab_netpol.policy.take_over import OthersPolicy, bridge
from homelab_netpol.reconcile.order import Order
from homelab_netpol.reconcile.queue import WorkQueue
from homelab_netpol.reconcile.taken_names import TakenNames
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


class ChangeApplier:
    """Makes changes, and remembers what was right afterwards."""

    def __init__(
        self,
        cache: ClusterCache,
        queue: WorkQueue,
        writer: Writer,
        reporter: Reporter,
        labels_current: asyncio.Event,
        metrics: Metrics,
    ) -> None:
        """Prepares; nothing is written while `labels_current` is cleared (decision 13)."""
        self._cache = cache
        self._order = Order(cache, queue)
        self._writer = writer
        self._reporter = reporter
        self._labels_current = labels_current
        self._metrics = metrics
        self._taken_names = TakenNames(writer)
        self._verified: dict[WorkKey, dict[PolicyKey, int]] = {}

    def verified(self, work: WorkKey, policies: Iterable[Policy]) -> None:
        """All of a key's policies are as they should be: what differs later, others changed."""
        self._verified[work] = {policy.key: _mark(policy) for policy in policies}

    def forget(self, work: WorkKey) -> None:
        """Drops a deleted Namespace's key."""
        self._verified.pop(work, None)
        self._taken_names.forget(work)

    async def apply(self, work: WorkKey, changes: Sequence[Change]) -> int:
        """Makes the changes in an order that cuts nothing off.

        What was revoked is revoked even if something else cannot be written. Only the hatch stays
        open until all the rest stands: closing it is to bring back the profile, not a lock-out. But
        not if trying again will not help: a hatch that no label asks for must not stay open.
        """
        self._reporter.clear_failures(work, except_for={_key_of(change) for change in changes})
        outcomes: list[bool | Exception] = []
        hatch = policy_name(Component.HATCH)
        others, bridged = await self._begin_take_over(work, changes)
        rest = [change for change in changes if bridged is None or _key_of(change) != bridged.key]
        for step in in_steps(rest):
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
            outcomes += await self._write_all(work, step, others)
            if any(isinstance(o, ForeignPolicy) and o.other.handed_over for o in outcomes):
                raise Requeue  # it is read first, with those beside it
        again = any(isinstance(outcome, Unavailable | Conflict) for outcome in outcomes)
        if bridged is not None and not again and self._labels_current.is_set():
            outcomes += await self._write_all(work, [self._end_of(bridged)], {})
        problems = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        if problems:
            waits = [p.retry_after or 0.0 for p in problems if isinstance(p, ApiError)]
            raise ReconcileError([str(problem) for problem in problems], max(waits, default=0.0))
        if len(outcomes) < len(changes):
            raise Requeue
        return sum(outcome is True for outcome in outcomes)

    async def _begin_take_over(
        self, work: WorkKey, changes: Sequence[Change]
    ) -> tuple[Mapping[PolicyKey, OthersPolicy], Policy | None]:
        """Reads the policies of others that are in the way; where several change hands, bridges.

        Returns:
            Those policies, and of what stands as a bridge now, how it should be in the end.
        """
        try:
            others = await self._taken_names.look(work, changes)
        except ApiError as error:
            problem = f"the policies of others could not be read: {error}"
            raise ReconcileError([problem], error.retry_after or 0.0) from error
        found = bridge(changes, others)
        if found is None:
            return others, None
        is_namespace = work.scope is Scope.NAMESPACE
        waits = is_namespace and self._order.something_before_denying(work.name)
        if waits or not self._labels_current.is_set():
            raise Requeue
        (outcome,) = await self._write_all(work, [Create(found.meanwhile)], others)
        if isinstance(outcome, ForeignPolicy):
            raise Requeue  # it was changed meanwhile
        if isinstance(outcome, Unavailable | Conflict):
            raise ReconcileError([str(outcome)], outcome.retry_after or 0.0)
        # Refused, as it may be too long for an admission policy: then without a bridge.
        return others, None if isinstance(outcome, ApiError) else found.policy

    def _end_of(self, bridged: Policy) -> Change:
        """What makes of a bridge what it should be."""
        live = self._cache.policies.get(bridged.key)
        return Create(bridged) if live is None else Replace(bridged, live)

    async def _write_all(
        self, work: WorkKey, changes: Sequence[Change], others: Mapping[PolicyKey, OthersPolicy]
    ) -> list[bool | Exception]:
        if len(changes) == 1:  # as nearly always; a task for it would be a tenth of our share
            return [await self._write(work, changes[0], others)]
        return list(await asyncio.gather(*(self._write(work, each, others) for each in changes)))

    async def _write(
        self, work: WorkKey, change: Change, others: Mapping[PolicyKey, OthersPolicy]
    ) -> bool | Exception:
        """Makes one change; a failure is reported at once, and returned for the others' sake."""
        key = _key_of(change)
        other = others.get(key)
        try:
            if other is not None and isinstance(change, Create):
                await self._writer.take_over(change.policy, other)
                written = True
            else:
                written = await self._writer.write(change)
        except ForeignPolicy as error:
            self._taken_names.found(work)
            if not error.other.handed_over:
                self._reporter.name_taken(error.other)
            return error
        except ApiError as error:
            self._reporter.write_failed(key, error)
            return error
        self._reporter.write_worked(key)
        if other is not None:
            self._reporter.taken_over(other)
        if written:
            self._count(work, change, key, taken_over=other is not None)
        return written

    def _count(self, work: WorkKey, change: Change, key: PolicyKey, *, taken_over: bool) -> None:
        match change:
            case Create(policy):
                operation = "take-over" if taken_over else "create"
                component = str(policy.component)
            case Replace(policy, _):
                operation, component = "replace", str(policy.component)
            case Delete(live):
                operation, component = "delete", self._cache.label_keys.component_of(live)
        self._metrics.writes.labels(operation, component).inc()
        log.debug("%s %s", operation, key)
        # What was right, and is still wanted the same, was changed by others.
        if not isinstance(change, Delete):
            verified = self._verified.setdefault(work, {})
            mark = _mark(change.policy)
            if verified.get(key) == mark:
                self._reporter.drift_reverted(key)
            verified[key] = mark


def _key_of(change: Change) -> PolicyKey:
    return change.live.key if isinstance(change, Delete) else change.policy.key


def _is_removal_of(change: Change, name: str) -> bool:
    return isinstance(change, Delete) and change.live.key.name == name


def _mark(policy: Policy) -> int:
    """Distinguishes two renderings of one policy, labels and annotations included."""
    labels = tuple(sorted(policy.labels.items()))
    return hash((policy.digest, labels, tuple(sorted(policy.annotations.items()))))
