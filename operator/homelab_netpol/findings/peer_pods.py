"""A peer of the settings with its pods, wherever they were looked up. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Generic, TypeVar

from homelab_netpol.cilium.evaluation.endpoint import Endpoint, Entity, Network, Pod
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

    @property
    def choices(self) -> list[tuple[Endpoint, ...]]:
        """Ends of each of which one must be reached.

        Pods that labels chose must all be; of a whole namespace it may be any.
        """
        by_label = self.peer.pod_labels or self.peer.selector is not None
        return [(pod,) for pod in self.pods] if by_label else [tuple(self.ends)]

    def of(self, namespace: str) -> KnownPeer[P]:
        """Only those in a namespace."""
        return KnownPeer(self.peer, tuple(pod for pod in self.pods if pod.namespace == namespace))


def choices_of(servers: Sequence[KnownPeer[Peer]]) -> list[tuple[Endpoint, ...]]:
    """Likewise of several servers, such as one on each node and those behind it: a pod asks one."""
    if len(servers) == 1:
        return servers[0].choices
    return [tuple(end for server in servers for end in server.ends)]
