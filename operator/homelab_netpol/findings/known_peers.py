"""The pods that the settings name as peers, as far as an inspection has seen them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Generic, TypeVar

from homelab_netpol.cilium.evaluation.endpoint import Endpoint, Entity, Network, Pod
from homelab_netpol.cluster.pods import ObservedPod
from homelab_netpol.findings.inspection import Inspection
from homelab_netpol.settings import Peer

P = TypeVar("P", bound=Peer, covariant=True)


@dataclass(frozen=True, slots=True)
class KnownPeer(Generic[P]):
    """A peer of the settings, and its pods that there are."""

    peer: P
    pods: tuple[Pod, ...] = ()

    @property
    def ends(self) -> list[Endpoint]:
        """All that the peer may be: its pods, entities and networks."""
        networks = (Network(ip_network(cidr)) for cidr in self.peer.cidrs)
        return [*self.pods, *map(Entity, self.peer.entities), *networks]

    def of(self, namespace: str) -> KnownPeer[P]:
        """Only those in a namespace."""
        return KnownPeer(self.peer, tuple(pod for pod in self.pods if pod.namespace == namespace))


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
