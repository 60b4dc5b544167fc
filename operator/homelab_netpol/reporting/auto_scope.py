"""Reports what keeps `defaultDeny: auto` from closing the cluster, and that it has closed."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from homelab_netpol.cluster.events import Subject
from homelab_netpol.policy.keys import API_VERSION, Kind
from homelab_netpol.policy.plan_clusterwide import NOTING_BASELINE
from homelab_netpol.reporting.recorder import EventRecorder
from homelab_netpol.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

# As many as a person reads; the others come when these are done.
_NAMED = 20
_ABOUT = Subject(API_VERSION, Kind.CCNP, NOTING_BASELINE)


class AutoScopeReporter:
    """Remembers what was reported.

    Attributes:
        sentence: why the cluster is open still, without a full stop; None: it is not, or whether
            default deny counts for all was not left to the operator.
    """

    def __init__(self, recorder: EventRecorder, metrics: Metrics) -> None:
        self._recorder = recorder
        self._metrics = metrics
        self.sentence: str | None = None

    def waits(self, namespaces: Sequence[str]) -> None:
        """Reports the namespaces that would be cut off."""
        self._metrics.default_deny_open_namespaces.set(len(namespaces))
        named = ", ".join(namespaces[:_NAMED])
        if len(namespaces) > _NAMED:
            named += f" and {len(namespaces) - _NAMED} more"
        self._say(
            "these namespaces have pods, and neither a profile nor an open hatch in force"
            f" ({len(namespaces)}): {named}"
        )

    def unknown(self, why: str) -> None:
        """Reports that it is unknown whether a workload would be cut off."""
        self._say(f"which namespaces have pods is not known: {why}")

    def closed(self) -> None:
        """Reports that default deny counts for all from now on."""
        self._metrics.default_deny_waiting.set(0)
        self._metrics.default_deny_open_namespaces.set(0)
        if self.sentence is not None:
            self.sentence = None
            self._recorder.note(
                "",
                "DefaultDenyClosed",
                "It cuts off no workload now: default deny counts for every namespace but the"
                " platform ones, from now on and for good (defaultDeny: auto acts as workload).",
                about=_ABOUT,
            )

    def _say(self, why: str) -> None:
        before = self.sentence
        self._metrics.default_deny_waiting.set(1)
        self.sentence = f"defaultDeny is auto and acts as labelled, as {why}"
        if before is None:
            self._recorder.warn(
                "",
                "DefaultDenyWaits",
                f"{self.sentence}. Give each of them a profile; the last one closes the cluster by"
                " itself. See docs/adopting.md.",
                about=_ABOUT,
            )
        elif self.sentence != before:
            log.info("%s", self.sentence, extra={"reason": "DefaultDenyWaits"})
