"""Reports whether Cilium enforces policies at all: when that changes, and what keeps it from it."""

from __future__ import annotations

import logging

from homelab_netpol.cilium.enforcement import CiliumState, Enforcement, Impairment
from homelab_netpol.reporting.recorder import EventRecorder
from homelab_netpol.telemetry.metrics import Metrics, drop_series

log = logging.getLogger(__name__)


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
            # Without a right there is something to mend; where there is no ConfigMap, there may
            # well be no agent either.
            log.log(
                logging.WARNING if state.lacks_right else logging.INFO,
                "Whether Cilium enforces policies is not known: %s. The setting `cilium` says where"
                " its ConfigMap is.",
                state.unknown_because,
                extra={"reason": "EnforcementUnknown"},
            )
        self._unknown_because = state.unknown_because
        found = frozenset(enforcement.impairments)
        for reason in self._reported - found:
            drop_series(self._metrics.enforcement_impaired, reason)
        for reason in found:
            self._metrics.enforcement_impaired.labels(reason).set(1)
        if enforcement.sentence != self.sentence:
            self._changed(enforcement)
        self._reported, self.sentence = found, enforcement.sentence

    def _changed(self, enforcement: Enforcement) -> None:
        sentence = enforcement.sentence
        if sentence is not None:
            message = f"{sentence[:1].upper()}{sentence[1:]}. See docs/alerts.md."
            self._recorder.warn(self._namespace, "PoliciesNotEnforced", message)
        elif enforcement.known:
            self._recorder.note(
                self._namespace,
                "PoliciesEnforced",
                "Cilium's configuration no longer keeps policies from being enforced.",
            )
