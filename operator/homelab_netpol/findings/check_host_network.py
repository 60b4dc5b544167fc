"""Pods that settings and NetworkProfiles name by labels, where all are on the host's network."""

from __future__ import annotations

from collections.abc import Iterator

from homelab_netpol.findings.finding import Finding, FindingReason
from homelab_netpol.findings.inspection import Inspection
from homelab_netpol.findings.known_peers import observed_pods
from homelab_netpol.findings.rule_ports import peers_elsewhere
from homelab_netpol.findings.wanted import profiles_in_use


def check(inspection: Inspection) -> Iterator[Finding | None]:
    """Finds the labels by which rules select no endpoint, as Cilium sees the pods' nodes only."""
    yield from _settings(inspection)
    for name, (custom, users) in profiles_in_use(inspection.cache).items():
        for peers in peers_elsewhere(custom.egress):
            pods = inspection.snapshot.targets.get(peers.namespace, ())
            chosen = [pod for pod in pods if peers.selects(pod.labels)]
            if not chosen or not all(pod.host_network for pod in chosen):
                continue
            for user in users:
                yield Finding(
                    FindingReason.TARGET_ON_HOST_NETWORK,
                    user,
                    f"The NetworkProfile {name} selects no pod in {peers.namespace}: the pods that"
                    " its egress rule means are on the host's network, where Cilium knows them by"
                    " their node only. Write toEntities: [host, remote-node] in it instead, which"
                    " means every node.",
                )
        yield None


def _settings(inspection: Inspection) -> Iterator[Finding | None]:
    for setting, peer in inspection.cache.catalogue.settings.named_peers():
        chosen = observed_pods(inspection, peer)
        if chosen and all(pod.host_network for pod in chosen):
            yield Finding(
                FindingReason.TARGET_ON_HOST_NETWORK,
                peer.namespaces[0],
                f"The setting {setting} selects no pod: the pods of {peer} are on the host's"
                " network, where Cilium knows them as host and remote-node, whatever their labels."
                " Run them on the pods' network, or write entities: [host, remote-node] there,"
                " which means every node.",
            )
        yield None
