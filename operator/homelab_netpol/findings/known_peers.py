"""The pods that the settings name as peers, as far as an inspection has seen them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from homelab_netpol.cilium.evaluation.endpoint import Pod
from homelab_netpol.cluster.pods import ObservedPod
from homelab_netpol.findings.inspection import Inspection
from homelab_netpol.findings.peer_pods import KnownPeer, P
from homelab_netpol.settings import Peer


def known_peers(inspection: Inspection, peers: Iterable[P]) -> list[KnownPeer[P]]:
    """Looks up the pods of peers; entities and networks have none."""
    return [KnownPeer(peer, tuple(_pods(inspection, peer))) for peer in peers]


def observed_pods(inspection: Inspection, peer: Peer) -> list[ObservedPod]:
    """The pods of a peer with what they declare, those on the host's network among them.

    Only of namespaces that the peer names.
    """
    return [
        pod
        for namespace in peer.namespaces
        for pod in inspection.snapshot.targets.get(namespace, ())
        if peer.selects(namespace, pod.labels, _labels(inspection, namespace))
    ]


def _pods(inspection: Inspection, peer: Peer) -> Iterator[Pod]:
    if not peer.is_pods:
        return
    for namespace in peer.namespaces or sorted(inspection.snapshot.pods):
        of_namespace = _labels(inspection, namespace)
        for pod in inspection.pods(namespace):
            if peer.selects(namespace, pod.labels, of_namespace):
                yield pod


def _labels(inspection: Inspection, namespace: str) -> dict[str, str]:
    return dict(inspection.cache.namespaces.labels(namespace) or {})
