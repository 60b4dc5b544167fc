"""Reports a namespace's escape hatch, from its opening to its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from homelab_netpol.cache.deadlines import NOTICE
from homelab_netpol.intent import Intent, LastGood, format_moment
from homelab_netpol.policy.objects import LivePolicy
from homelab_netpol.reporting.recorder import EventRecorder
from homelab_netpol.telemetry.metrics import Metrics, drop_series


class HatchReporter:
    """Remembers what was reported of each hatch.

    Attributes:
        deny_rules: by namespace, in words, what a hatch there cannot open, as of the last
            inspection.
        on_opened: is called whenever one is opened, once that is reported.
    """

    def __init__(self, recorder: EventRecorder, metrics: Metrics) -> None:
        self._recorder = recorder
        self._metrics = metrics
        self.deny_rules: Mapping[str, str] = {}
        self.on_opened: Callable[[], None] | None = None
        self._open: dict[str, bool] = {}
        self._end_reported: dict[str, datetime] = {}

    def report(self, intent: Intent, before: LastGood, standing: LivePolicy | None) -> None:
        """Reports whether a namespace is open: by what stands, and by what its label asks for.

        Args:
            intent: what the namespace wants.
            before: what was in force before.
            standing: the hatch's policy, if it stands: it stays while the rest cannot be written.
        """
        namespace = intent.namespace
        was_open = self._open.get(namespace, before.hatch_open)
        is_open = self._open[namespace] = intent.hatch_open or standing is not None
        if is_open:
            self._gauges(intent, standing)
            if not was_open:
                self._opened(intent)
            self._end_is_near(intent)
            return
        if was_open:
            self._drop_gauges(namespace)
            self._end_reported.pop(namespace, None)
            self._recorder.note(
                namespace, "EnforcementEnabled", "The escape hatch is closed again."
            )

    def forget(self, namespace: str) -> None:
        """Drops a deleted Namespace and its series."""
        self._drop_gauges(namespace)
        self._open.pop(namespace, None)
        self._end_reported.pop(namespace, None)

    def _opened(self, intent: Intent) -> None:
        until = intent.hatch_until
        by_itself = "" if until is None else f" It closes by itself at {format_moment(until)}."
        denied = self.deny_rules.get(intent.namespace)
        but = "" if denied is None else f" Deny rules win over it, though: {denied}."
        self._recorder.warn(
            intent.namespace,
            "EnforcementDisabled",
            f"The escape hatch is open: all traffic in and out is allowed.{but}{by_itself} Find"
            " the cause, fix it in git, and remove the label.",
        )
        if self.on_opened is not None:
            self.on_opened()

    def _end_is_near(self, intent: Intent) -> None:
        until = intent.hatch_until
        if not intent.hatch_open or until is None or until - datetime.now(UTC) > NOTICE:
            return
        if self._end_reported.get(intent.namespace) == until:
            return
        self._end_reported[intent.namespace] = until
        self._recorder.warn(
            intent.namespace,
            "EnforcementResumesSoon",
            f"The escape hatch closes by itself at {format_moment(until)}, and enforcement resumes."
            " Move disabled-until if that is too early.",
        )

    def _gauges(self, intent: Intent, standing: LivePolicy | None) -> None:
        metrics, namespace = self._metrics, intent.namespace
        metrics.enforcement_disabled.labels(namespace).set(1)
        if intent.hatch_since is not None:
            metrics.enforcement_disabled_since.labels(namespace).set(intent.hatch_since.timestamp())
        elif standing is not None:
            since = datetime.fromisoformat(standing.created).timestamp()
            metrics.enforcement_disabled_since.labels(namespace).set(since)
        if intent.hatch_until is not None:
            metrics.enforcement_disabled_until.labels(namespace).set(intent.hatch_until.timestamp())
        else:
            drop_series(metrics.enforcement_disabled_until, namespace)

    def _drop_gauges(self, namespace: str) -> None:
        drop_series(self._metrics.enforcement_disabled, namespace)
        drop_series(self._metrics.enforcement_disabled_since, namespace)
        drop_series(self._metrics.enforcement_disabled_until, namespace)
