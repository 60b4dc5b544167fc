"""What people are told: Events on the Namespace, lines of the log, series of metrics.

Each thing is told once, when it begins and when it ends, not at every reconcile.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Protocol

from homelab_netpol.cluster.errors import ApiError, Unavailable
from homelab_netpol.intent import Intent, LastGood, Problem
from homelab_netpol.metrics import Metrics, drop_series
from homelab_netpol.policy.objects import LivePolicy, PolicyKey
from homelab_netpol.policy.rendering import RenderError
from homelab_netpol.reconcile.queue import WorkKey
from homelab_netpol.reconcile.standing import owner_of
from homelab_netpol.reconcile.writer import ForeignPolicy

log = logging.getLogger(__name__)


class EventSink(Protocol):
    """Where Kubernetes Events go. Posting is best effort and must not wait."""

    def post(
        self, namespace: str, kind: str, reason: str, message: str, *, about: str = ""
    ) -> None:
        """Posts an Event on a Namespace, or "" and the name of the clusterwide policy it is about.

        `kind` is Normal or Warning.
        """


class Teller:
    """Remembers what has been told, and tells what is new."""

    def __init__(self, events: EventSink, metrics: Metrics) -> None:
        self._events = events
        self._metrics = metrics
        self._problems: dict[str, frozenset[Problem]] = {}
        self._failures: dict[PolicyKey, str] = {}
        self._render_failures: dict[str, str] = {}
        self._open: dict[str, bool] = {}

    def problems(self, intent: Intent) -> None:
        """Tells which labels could not be followed, and forgets those that are fine now."""
        namespace = intent.namespace
        told = self._problems.get(namespace, frozenset())
        current = frozenset(intent.problems)
        for problem in told - current:
            drop_series(self._metrics.refused_labels, namespace, problem.reason, problem.key)
        for problem in intent.problems:
            self._metrics.refused_labels.labels(namespace, problem.reason, problem.key).set(1)
            if problem not in told:
                self._warn(namespace, problem.reason, problem.message)
        if current:
            self._problems[namespace] = current
        else:
            self._problems.pop(namespace, None)

    def settled(self, intent: Intent, before: LastGood) -> None:
        """Tells what is in force now and was not before; everything is written by then."""
        namespace = intent.namespace
        self._render_failures.pop(namespace, None)
        if intent.profile != before.profile and not intent.profile_untouched:
            if intent.profile is not None:
                self._note(
                    namespace, "ProfileApplied", f"The profile {intent.profile} is in force."
                )
            else:
                self._note(
                    namespace,
                    "ProfileRemoved",
                    f"The profile {before.profile} is no longer in force.",
                )
        for resource in sorted(set(intent.grants) - before.grants):
            self._note(namespace, "AccessGranted", f"Access to {resource} is granted.")
        still = {*intent.grants, *intent.grants_untouched}
        for resource in sorted(before.grants - still):
            self._note(namespace, "AccessRevoked", f"Access to {resource} is revoked.")

    def hatch(self, intent: Intent, before: LastGood, standing: LivePolicy | None) -> None:
        """Tells whether a namespace is open: by what stands, and by what its label asks for.

        Args:
            intent: what the namespace wants.
            before: what was in force before.
            standing: the hatch's policy, if it stands: it stays while the rest cannot be written.
        """
        namespace = intent.namespace
        was_open = self._open.get(namespace, before.hatch_open)
        is_open = self._open[namespace] = intent.hatch_open or standing is not None
        disabled, since = (
            self._metrics.enforcement_disabled,
            self._metrics.enforcement_disabled_since,
        )
        if is_open:
            disabled.labels(namespace).set(1)
            if standing is not None:
                since.labels(namespace).set(_unix_time(standing.created))
            if not was_open:
                self._warn(
                    namespace,
                    "EnforcementDisabled",
                    "The escape hatch is open: all traffic in and out is allowed. Find the cause,"
                    " fix it in git, and remove the label.",
                )
            return
        drop_series(disabled, namespace)
        drop_series(since, namespace)
        if was_open:
            self._note(namespace, "EnforcementEnabled", "The escape hatch is closed again.")

    def drift_reverted(self, key: PolicyKey) -> None:
        """Tells that somebody changed or deleted a policy of ours, and that it is back."""
        self._metrics.drift.inc()
        source = "Labels on the Namespace" if key.namespace else "The operator's settings"
        self._warn(
            key.namespace,
            "DriftReverted",
            f"{key} was changed or deleted by hand and has been put back. {source} are what"
            " changes it.",
            about="" if key.namespace else key.name,
        )

    def foreign(self, error: ForeignPolicy) -> None:
        """Tells that a name we need is taken by somebody else's policy."""
        key = error.key
        self._metrics.conflicts.labels(key.kind, key.namespace, key.name).set(1)
        self._once(key, "NameTaken", str(error))

    def write_failed(self, key: PolicyKey, error: ApiError) -> None:
        """Tells that the server did not take a policy."""
        if isinstance(error, Unavailable):
            # Whoever cannot be reached cannot take an Event either; the log has each retry.
            return
        self._once(key, "PolicyNotWritten", f"{key} could not be written: {error}")

    def fine(self, work: WorkKey, *, except_for: Collection[PolicyKey]) -> None:
        """Of what a key answers for, only some has still to be written: the rest is in order."""
        for key in [key for key in self._failures if owner_of(key) == work]:
            if key not in except_for:
                self.write_worked(key)

    def write_worked(self, key: PolicyKey) -> None:
        """What was in the way of a policy is gone."""
        if self._failures.pop(key, None) is not None:
            drop_series(self._metrics.conflicts, key.kind, key.namespace, key.name)

    def render_failed(self, namespace: str, error: RenderError) -> None:
        """Tells that a template gives no policy; what stood before still stands."""
        message = f"{error}. The policies that stand are kept."
        if self._render_failures.get(namespace) != message:
            self._render_failures[namespace] = message
            self._warn(namespace, "TemplateFailed", message)

    def stray(self, key: PolicyKey) -> None:
        """Tells of a policy that carries our label under a name that we never give."""
        self._once(
            key,
            "UnexpectedPolicy",
            f"{key} carries the operator's managed-by label but was not made by it; it is left"
            " alone. Take the label off.",
        )

    def namespace_gone(self, namespace: str) -> None:
        """Forgets a Namespace: its series go with it."""
        for problem in self._problems.pop(namespace, frozenset()):
            drop_series(self._metrics.refused_labels, namespace, problem.reason, problem.key)
        drop_series(self._metrics.enforcement_disabled, namespace)
        drop_series(self._metrics.enforcement_disabled_since, namespace)
        self._render_failures.pop(namespace, None)
        self._open.pop(namespace, None)
        for key in [key for key in self._failures if key.namespace == namespace]:
            del self._failures[key]
            drop_series(self._metrics.conflicts, key.kind, key.namespace, key.name)

    def _once(self, key: PolicyKey, reason: str, message: str) -> None:
        if self._failures.get(key) != message:
            self._failures[key] = message
            self._warn(key.namespace, reason, message, about="" if key.namespace else key.name)

    def _warn(self, namespace: str, reason: str, message: str, *, about: str = "") -> None:
        log.warning("%s", message, extra={"namespace": namespace, "reason": reason})
        self._events.post(namespace, "Warning", reason, message, about=about)

    def _note(self, namespace: str, reason: str, message: str) -> None:
        log.info("%s", message, extra={"namespace": namespace, "reason": reason})
        self._events.post(namespace, "Normal", reason, message)


def _unix_time(timestamp: str) -> float:
    """Unix time of an RFC 3339 timestamp of the API server."""
    return datetime.fromisoformat(timestamp).astimezone(UTC).timestamp()
