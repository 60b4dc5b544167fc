"""Reports whether Cilium enforces policies at all: when that changes, and what keeps it from it."""

from __future__ import annotations

from homelab_netpol.cilium.enforcement import CiliumState, Enforcement, Impairment
from homelab_netpol.reporting.recorder import EventRecorder
from homelab_netpol.telemetry.metrics import Metrics, drop_series


class EnforcementReporter:
    """Remembers what was reported.

    Attributes:
        sentence: what impairs enforcement now; None: nothing is known to.
    """

    def __init__(self, recorder: EventRecorder, metrics: Metrics, namespace: str) -> None:
        """Prepares; `namespace` is Cilium's, whose owner the Events are for."""
        self._recorder = recorder
        self._metrics = metrics
        self._namespace = namespace
        self._reported: frozenset[Impairment] = frozenset()
        self._unknown_because = ""
        self.sentence: str | None = None

    def report(self, state: CiliumState, enforcement: Enforcement) -> None:
        """Reports what is known now."""
        self._metrics.enforcement_known.set(enforcement.known)
        if state.unknown_because and state.unknown_because != self._unknown_because:
            self._recorder.log_only(
                "EnforcementUnknown",
                f"Whether Cilium enforces policies is not known: {state.unknown_because}. The"
                " setting `cilium` says where its ConfigMap is.",
            )
        self._unknown_because = state.unknown_because
        found = frozenset(enforcement.impairments)
        for reason in self._reported - found:
            drop_series(self._metrics.enforcement_impaired, reason)
        for reason in found:
            self._metrics.enforcement_impaired.labels(reason).set(1)
        if enforcement.sentence != self.sentence:
            self._changed(enforcement.sentence)
        self._reported, self.sentence = found, enforcement.sentence

    def _changed(self, sentence: str | None) -> None:
        if sentence is None:
            self._recorder.note(
                self._namespace,
                "PoliciesEnforced",
                "Nothing is known any more that keeps Cilium from enforcing policies.",
            )
            return
        message = f"{sentence[:1].upper()}{sentence[1:]}. See docs/alerts.md."
        self._recorder.warn(self._namespace, "PoliciesNotEnforced", message)
