"""The rules that each platform policy must have, by the vocabulary. Pure.

DNS egress, ingress from Prometheus, from Cilium's health checks and from the kubelet's address in a
mesh, and the mesh's own tunnel. The rules of the service itself are its author's; `service.py` only
sees whether there are any.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.cilium.evaluation import Direction, Entity, Pod
from homelab_netpol.findings.needs import Need, Port, Way
from homelab_netpol.findings.peer_pods import KnownPeer, choices_of
from homelab_netpol.platform_policies.surroundings import is_one_of, known_peers
from homelab_netpol.policy.peers import peers_data
from homelab_netpol.settings import Peer, Scraper, Settings

_KINDS = {"Endpoints": "endpoints", "Entities": "entities", "CIDR": "cidrs"}


@dataclass(frozen=True, slots=True)
class RequiredRule:
    """A rule that must be there, in effect.

    Attributes:
        need: what must be open.
        peers: the other ends, as the settings name them.
        ports: of the rule; none: those on which the pods themselves listen.
        purpose: a sentence for who reads the policy.
        of_metrics: `ports` are those of the metrics, where they are left open.
    """

    need: Need
    peers: tuple[Peer, ...]
    ports: tuple[Port, ...]
    purpose: str
    of_metrics: bool = False

    def rules(self, ports: Sequence[Port] = ()) -> list[dict[str, Any]]:
        """As a CiliumNetworkPolicy has it, one rule for each kind of peer.

        Args:
            ports: where `self.ports` leaves it open; none: the rule opens every port.
        """
        way = "from" if self.need.direction is Direction.INGRESS else "to"
        listed = self.ports or tuple(ports)
        on = {"toPorts": [{"ports": _as_ports(listed)}]} if listed else {}
        data = peers_data(self.peers)
        return [
            {f"{way}{kind}": list(data[name]), **on} for kind, name in _KINDS.items() if data[name]
        ]


class Requirements:
    """What the pods of a cluster must be able to do."""

    def __init__(self, model: ClusterModel) -> None:
        self.settings: Settings = model.desired.catalogue.settings
        self.dns = known_peers(model, self.settings.dns.servers)
        self._scrapers = known_peers(model, self.settings.scrapers)
        self._ztunnel = known_peers(model, self.settings.mesh.ztunnel)

    def of_pod(self, pod: Pod, *, in_mesh: bool) -> tuple[RequiredRule, ...]:
        """The rules that a pod needs; nothing of what it is itself."""
        found: list[RequiredRule] = []
        if not is_one_of(pod, self.settings.dns.servers):
            found += self._dns()
        found += self._probes(in_mesh=in_mesh)
        if not is_one_of(pod, self.settings.scrapers):
            for scraper in self._scrapers:
                found += self._scraping(scraper, in_mesh=in_mesh)
        if in_mesh and not is_one_of(pod, self.settings.mesh.ztunnel):
            for ztunnel in self._ztunnel:
                found += self._tunnel(ztunnel)
        return tuple(found)

    def _dns(self) -> Iterator[RequiredRule]:
        ports = tuple((each.protocol.value, each.port) for each in self.settings.dns.ports)
        ways = tuple(Way(ends, (port,)) for port in ports for ends in choices_of(self.dns))
        names = " or ".join(str(each.peer) for each in self.dns)
        yield RequiredRule(
            Need("DNS", Direction.EGRESS, names, ways),
            self.settings.dns.servers,
            ports,
            "DNS: without it nothing that has a name is reached.",
        )

    def _probes(self, *, in_mesh: bool) -> Iterator[RequiredRule]:
        # A node reaches its own pods, unless a rule denies it: no rule is needed.
        way = Way((Entity("host"),))
        node = Need("Probes", Direction.INGRESS, "the node (entity host)", (way,))
        yield RequiredRule(node, (Peer(entities=("host",)),), (), "The kubelet on the pod's node.")
        peers = list(self.settings.probes)
        cidrs = self.settings.mesh.probe_cidrs
        if in_mesh and cidrs and not any(peer.cidrs for peer in peers):
            peers.append(Peer(cidrs=cidrs))
        for peer in peers:
            # Which family of addresses the pods have is not known: a network of one is enough.
            ends = tuple(KnownPeer(peer).ends)
            if not ends:
                continue
            need = Need("Probes", Direction.INGRESS, str(peer), (Way(ends),))
            yield RequiredRule(need, (peer,), (), _purpose_of_probes(peer))

    def _scraping(self, known: KnownPeer[Scraper], *, in_mesh: bool) -> Iterator[RequiredRule]:
        ends = tuple(known.ends)
        listed = tuple(("TCP", number) for number in known.peer.ports)
        # In the mesh, metrics may come through the tunnel.
        tunnel = (("TCP", self.settings.mesh.port),) if in_mesh and listed else ()
        yield RequiredRule(
            Need("Metrics", Direction.INGRESS, str(known.peer), (Way(ends, (*listed, *tunnel)),)),
            (known.peer,),
            listed,
            "Scrapers: without it there are no metrics, and alerts on targets that are down.",
            of_metrics=not listed,
        )

    def _tunnel(self, ztunnel: KnownPeer[Peer]) -> Iterator[RequiredRule]:
        ports = (("TCP", self.settings.mesh.port),)
        ways = tuple(Way(ends, ports) for ends in ztunnel.choices)
        for direction in (Direction.EGRESS, Direction.INGRESS):
            yield RequiredRule(
                Need("HBONE", direction, str(ztunnel.peer), ways),
                (ztunnel.peer,),
                ports,
                "The mesh's proxies on the nodes.",
            )


def _purpose_of_probes(peer: Peer) -> str:
    if peer.cidrs:
        return "The kubelet's probes, as the mesh readdresses them."
    return "Cilium's own health checks."


def _as_ports(ports: Sequence[Port]) -> list[dict[str, str]]:
    return [{"port": str(number), "protocol": protocol} for protocol, number in ports]
