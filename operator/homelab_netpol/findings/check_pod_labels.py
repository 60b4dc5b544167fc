"""Pods whose labels change what Cilium enforces on them: see `cilium.label_faults`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from homelab_netpol.cilium.agent_config import AgentConfig
from homelab_netpol.cilium.label_faults import LabelFault, label_faults
from homelab_netpol.cilium.version import Version
from homelab_netpol.findings.finding import Finding, FindingReason
from homelab_netpol.findings.inspection import Inspection

# A namespace may have thousands of pods.
_AT_ONCE = 200


def check(inspection: Inspection) -> Iterator[Finding | None]:
    """Finds the namespaces with such pods, where the agents' configuration is known."""
    cilium = inspection.cache.cilium
    if cilium.config is None:
        return
    for namespace, pods in inspection.snapshot.pods.items():
        yield from pod_label_findings(namespace, pods, cilium.config, cilium.versions)


def pod_label_findings(
    namespace: str,
    pods: Sequence[Mapping[str, str]],
    config: AgentConfig,
    versions: Collection[Version],
) -> Iterator[Finding | None]:
    """What the labels of a namespace's pods change, one finding a label."""
    faults: dict[str, LabelFault] = {}
    for number, labels in enumerate(pods):
        faults |= {fault.key: fault for fault in label_faults(labels, config, versions)}
        if number % _AT_ONCE == 0:
            yield None
    for _, fault in sorted(faults.items()):
        yield _finding(namespace, fault, versions)


def _finding(namespace: str, fault: LabelFault, versions: Collection[Version]) -> Finding:
    here = f"; here runs {', '.join(map(str, sorted(versions)))}" if versions else ""
    return Finding(
        FindingReason.POD_LABEL_UNSAFE,
        namespace,
        f"Pods carry the label {fault.key}. In Cilium ({fault.versions}{here}) {fault.effect}."
        " Take the label off the pods, or give it another key.",
    )
