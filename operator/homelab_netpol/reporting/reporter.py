"""Reports what came of a reconcile: Events on the Namespace, log lines, series of metrics.

Each condition is reported once when it begins and once when it ends, not at every reconcile.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from homelab_netpol.cluster.errors import ApiError, Unavailable
from homelab_netpol.cluster.events import Subject
from homelab_netpol.findings import Finding
from homelab_netpol.intent import WHOLE, Intent, LastGood, Problem
from homelab_netpol.policy.keys import API_VERSION, PolicyKey, WorkKey, owner_of
from homelab_netpol.policy.objects import LivePolicy
from homelab_netpol.policy.rendering import RenderError
from homelab_netpol.policy.take_over import OthersPolicy
from homelab_netpol.reporting.auto_scope import AutoScopeReporter
from homelab_netpol.reporting.definitions import DefinitionReporter
from homelab_netpol.reporting.enforcement import EnforcementReporter
from homelab_netpol.reporting.findings import FindingReporter
from homelab_netpol.reporting.hatch import HatchReporter
from homelab_netpol.reporting.recorder import EventRecorder, EventSink
from homelab_netpol.settings import DefaultDeny, Settings
from homelab_netpol.telemetry.metrics import Metrics, drop_series


class Reporter:
    """Remembers what was reported, and reports what changed since.

    Attributes:
        hatch: reports escape hatches.
        definitions: reports custom resources.
        findings: reports what others wrote.
        enforcement: reports whether Cilium enforces policies.
        auto_scope: reports what `defaultDeny: auto` waits for.
    """

    def __init__(
        self,
        events: EventSink,
        metrics: Metrics,
        settings: Settings,
        scope: Callable[[], DefaultDeny],
    ) -> None:
        """Prepares; `scope` says where default deny is in force now."""
        self._scope = scope
        recorder = self._recorder = EventRecorder(events)
        self.hatch = HatchReporter(recorder, metrics)
        self.definitions = DefinitionReporter(recorder, metrics)
        self.findings = FindingReporter(recorder, metrics)
        self.enforcement = EnforcementReporter(recorder, metrics, settings.cilium.namespace)
        self.auto_scope = AutoScopeReporter(recorder, metrics)
        self._metrics = metrics
        self._problems: dict[str, frozenset[Problem]] = {}
        self._failures: dict[PolicyKey, str] = {}
        self._render_failures: dict[str, str] = {}
        self._rejected: dict[PolicyKey, str] = {}

    def inspected(self, findings: Iterable[Finding], deny_rules: Mapping[str, str]) -> None:
        """Reports what an inspection found.

        Args:
            findings: all that there are now.
            deny_rules: by namespace, in words, what an open hatch there cannot open.
        """
        self.hatch.deny_rules = deny_rules
        self.findings.report(findings)

    def problems(self, intent: Intent) -> None:
        """Reports which labels could not be followed; those that can be now are dropped."""
        namespace = intent.namespace
        reported = self._problems.get(namespace, frozenset())
        current = frozenset(intent.problems)
        for problem in reported - current:
            drop_series(self._metrics.refused_labels, namespace, problem.reason, problem.key)
        for problem in intent.problems:
            self._metrics.refused_labels.labels(namespace, problem.reason, problem.key).set(1)
            if problem not in reported:
                self._recorder.warn(namespace, problem.reason, problem.message)
        if current:
            self._problems[namespace] = current
        else:
            self._problems.pop(namespace, None)

    def applied(self, intent: Intent, before: LastGood) -> None:
        """Reports what is in force now and was not before; everything is written by then."""
        namespace = intent.namespace
        self._render_failures.pop(namespace, None)
        if intent.profile != before.profile and not intent.retained_profile:
            if intent.profile is not None:
                self._recorder.note(
                    namespace, "ProfileApplied", f"The profile {intent.profile} is in force."
                )
            else:
                self._profile_lost(namespace, before.profile)
        if intent.profile is not None or intent.retained_profile is not None:
            drop_series(self._metrics.profile_lost, namespace)
        for resource in intent.granted:
            value = intent.grant_values.get(resource, WHOLE)
            stood = resource in before.grants
            if not stood or value != before.grant_values.get(resource, WHOLE):
                which = "" if value == WHOLE else f", by the value {value!r}"
                which = f"{which}, now to all of it" if stood and not which else which
                message = f"Access to {resource} is granted{which}."
                self._recorder.note(namespace, "AccessGranted", message)
        still = {*intent.granted, *intent.retained_grants}
        for resource in sorted(before.grants - still):
            self._recorder.note(namespace, "AccessRevoked", f"Access to {resource} is revoked.")

    def _profile_lost(self, namespace: str, profile: str | None) -> None:
        left = (
            "the namespace is open now, as only those with a profile are closed (defaultDeny acts"
            " as labelled)"
            if self._scope() is DefaultDeny.LABELLED
            else "what is left are the baselines and its grants"
        )
        self._metrics.profile_lost.labels(namespace).set_to_current_time()
        self._recorder.warn(
            namespace,
            "ProfileRemoved",
            f"The profile {profile} is no longer in force, as its label is gone: {left}. If"
            " that was not meant, put the label back, in git.",
        )

    def drift_reverted(self, key: PolicyKey) -> None:
        """Reports that a policy of ours was changed or deleted by others, and was put back."""
        self._metrics.drift.inc()
        source = "Labels on the Namespace" if key.namespace else "The operator's settings"
        self._recorder.warn(
            key.namespace,
            "DriftReverted",
            f"{key} was changed or deleted by hand and has been put back. {source} are what"
            " changes it.",
            about=_about(key),
        )

    def name_taken(self, other: OthersPolicy) -> None:
        """Reports that a name that we need is taken by a policy that is not ours."""
        key = other.key
        self._metrics.conflicts.labels(key.kind, key.namespace, key.name).set(1)
        self._once(key, "NameTaken", other.complaint, uid=other.live.uid)

    def taken_over(self, other: OthersPolicy) -> None:
        """Reports that another owner's policy is ours now, as its owner wanted."""
        key = other.key
        owner = f" It belonged to {other.owner}." if other.owner else ""
        self._recorder.note(
            key.namespace,
            "TakenOver",
            f"{key} was taken over, as its annotation {other.annotation} asked for.{owner} Take it"
            " out of git, if it is still there: what is written to it from now on is reverted.",
            about=_about(key, other.live.uid),
        )

    def write_failed(self, key: PolicyKey, error: ApiError) -> None:
        """Reports that the server did not store a policy."""
        if isinstance(error, Unavailable):
            # A server without an answer takes no Event either; the log has each retry.
            return
        self._once(key, "PolicyNotWritten", f"{key} could not be written: {error}")

    def clear_failures(self, work: WorkKey, *, except_for: Collection[PolicyKey]) -> None:
        """Clears the failures of a key's policies, but for those that have still to be written."""
        for key in [key for key in self._failures if owner_of(key) == work]:
            if key not in except_for:
                self.write_worked(key)

    def write_worked(self, key: PolicyKey) -> None:
        """Clears a policy's failure: what was in its way is gone."""
        if self._failures.pop(key, None) is not None:
            drop_series(self._metrics.conflicts, key.kind, key.namespace, key.name)

    def render_failed(self, namespace: str, error: RenderError) -> None:
        """Reports that a template gives no policy; what stood before still stands."""
        message = f"{error}. The policies that stand are kept."
        if self._render_failures.get(namespace) != message:
            self._render_failures[namespace] = message
            self._recorder.warn(namespace, "TemplateFailed", message)

    def rejected(self, work: WorkKey, standing: Collection[LivePolicy]) -> None:
        """Reports which of a key's policies Cilium rejects, and which it accepts again."""
        now = {live.key: live.rejected for live in standing if live.rejected}
        for key in [key for key in self._rejected if owner_of(key) == work]:
            if key not in now:
                self._accepted(key)
                self._recorder.note(
                    key.namespace,
                    "PolicyAccepted",
                    f"Cilium no longer rejects {key}.",
                    about=_about(key),
                )
        for key, why in now.items():
            self._metrics.invalid_policies.labels(key.kind, key.namespace, key.name).set(1)
            if self._rejected.get(key) != why:
                self._rejected[key] = why
                self._recorder.warn(
                    key.namespace,
                    "PolicyRejected",
                    f"Cilium rejects {key}, so it is not in force: {why}",
                    about=_about(key),
                )

    def _accepted(self, key: PolicyKey) -> None:
        del self._rejected[key]
        drop_series(self._metrics.invalid_policies, key.kind, key.namespace, key.name)

    def stray(self, key: PolicyKey) -> None:
        """Reports a policy that carries our label under a name that we never give."""
        self._once(
            key,
            "UnexpectedPolicy",
            f"{key} carries the operator's managed-by label but was not made by it; it is left"
            " alone. Take the label off.",
        )

    def namespace_gone(self, namespace: str) -> None:
        """Drops a deleted Namespace and its series."""
        for problem in self._problems.pop(namespace, frozenset()):
            drop_series(self._metrics.refused_labels, namespace, problem.reason, problem.key)
        self.hatch.forget(namespace)
        self.findings.forget(namespace)
        drop_series(self._metrics.profile_lost, namespace)
        self._render_failures.pop(namespace, None)
        for key in [key for key in self._rejected if key.namespace == namespace]:
            self._accepted(key)
        for key in [key for key in self._failures if key.namespace == namespace]:
            del self._failures[key]
            drop_series(self._metrics.conflicts, key.kind, key.namespace, key.name)

    def _once(self, key: PolicyKey, reason: str, message: str, *, uid: str = "") -> None:
        if self._failures.get(key) != message:
            self._failures[key] = message
            self._recorder.warn(key.namespace, reason, message, about=_about(key, uid))


def _about(key: PolicyKey, uid: str = "") -> Subject | None:
    """A clusterwide policy; what is in a Namespace is reported on that.

    With the uid, `kubectl describe` shows what is reported.
    """
    return None if key.namespace else Subject(API_VERSION, key.kind, key.name, uid)
