"""Reports findings: each as an Event when it begins; its series lasts until it is over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from homelab_netpol.cilium.evaluation import PolicyRef
from homelab_netpol.cilium.terms import CLUSTER_NETWORK_POLICY
from homelab_netpol.cluster.events import Subject
from homelab_netpol.findings import Finding
from homelab_netpol.policy.keys import API_VERSION
from homelab_netpol.reporting.recorder import EventRecorder
from homelab_netpol.telemetry.metrics import Metrics, drop_series


class FindingReporter:
    """Remembers which findings were reported."""

    def __init__(self, recorder: EventRecorder, metrics: Metrics) -> None:
        self._recorder = recorder
        self._metrics = metrics
        self._reported: set[Finding] = set()

    def report(self, findings: Iterable[Finding]) -> None:
        """Reports those that are new; what is no longer among them is over."""
        current = set(findings)
        before = Counter((finding.subject, finding.reason) for finding in self._reported)
        now = Counter((finding.subject, finding.reason) for finding in current)
        for subject, reason in before.keys() - now.keys():
            drop_series(self._metrics.findings, subject, reason)
        for (subject, reason), count in now.items():
            self._metrics.findings.labels(subject, reason).set(count)
        for finding in sorted(current - self._reported, key=lambda f: (f.subject, f.message)):
            about = finding.about
            policy = _subject(about) if about is not None else None
            self._recorder.warn(finding.subject, finding.reason, finding.message, about=policy)
        self._reported = current

    def forget(self, namespace: str) -> None:
        """Drops a deleted Namespace and its series."""
        over = {finding for finding in self._reported if finding.subject == namespace}
        for finding in over:
            drop_series(self._metrics.findings, namespace, finding.reason)
        self._reported -= over


def _subject(ref: PolicyRef) -> Subject:
    of_kubernetes = ref.kind == CLUSTER_NETWORK_POLICY
    version = "policy.networking.k8s.io/v1alpha2" if of_kubernetes else API_VERSION
    return Subject(version, ref.kind, ref.name)
