"""What must flow to and from the pods of a platform namespace, whatever runs there. Pure.

DNS, the kubelet's probes, Prometheus and, in a mesh, its tunnel. What else a policy should have is
its author's business.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_network

from homelab_netpol.cilium.evaluation.endpoint import Endpoint, Entity, Network, Pod
from homelab_netpol.cilium.evaluation.policy import Direction
from homelab_netpol.findings.peer_pods import KnownPeer, choices_of
from homelab_netpol.settings import Peer, Scraper, Settings

Port = tuple[str, int]  # protocol and number
Roles = tuple[bool, bool, bool]  # those of `Surroundings`, in their order

_PROBED = "the port that is probed"


@dataclass(frozen=True, slots=True)
class Way:
    """Connections of which one that passes is enough.

    Attributes:
        peers: the other ends, by which any will do.
        ports: by which any will do; none: every TCP port.
    """

    peers: tuple[Endpoint, ...]
    ports: tuple[Port, ...] = ()


@dataclass(frozen=True, slots=True)
class Need:
    """What pods must be able to do.

    Attributes:
        what: it is, in a word.
        direction: in which connections are opened.
        peer: the other end, in words.
        ways: all of these must be open.
        port: which port is meant, in words, where `ways` leave it open.
    """

    what: str
    direction: Direction
    peer: str
    ways: tuple[Way, ...]
    port: str = ""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The pods that others need.

    Attributes:
        dns: those that answer DNS.
        scrapers: those that scrape.
        ztunnel: the mesh's proxies.
    """

    dns: Sequence[KnownPeer[Peer]] = ()
    scrapers: Sequence[KnownPeer[Scraper]] = ()
    ztunnel: Sequence[KnownPeer[Peer]] = ()

    def roles(self, pod: Pod) -> Roles:
        """Which of these a pod is itself."""
        every = (self.dns, self.scrapers, self.ztunnel)
        answers, scrapes, carries = (any(pod in each.pods for each in known) for known in every)
        return answers, scrapes, carries

    def without(self, roles: Roles) -> Surroundings:
        """What a pod in these roles may need: nothing of its own kind."""
        answers, scrapes, carries = roles
        return Surroundings(
            () if answers else self.dns,
            () if scrapes else self.scrapers,
            () if carries else self.ztunnel,
        )


def needs_of(settings: Settings, around: Surroundings, *, in_mesh: bool) -> Iterator[Need]:
    """What a pod must be able to do.

    Args:
        settings: say where probes come from, and which ports are meant.
        around: the pods that there are; of those that are not, nothing is asked.
        in_mesh: the pod is in the mesh.
    """
    yield from _dns(settings, around.dns)
    yield from _probing(settings, in_mesh=in_mesh)
    for scraper in around.scrapers:
        yield from _scraping(settings, scraper, in_mesh=in_mesh)
    if in_mesh:
        for ztunnel in around.ztunnel:
            yield from _tunnel(settings, ztunnel)


def _dns(settings: Settings, servers: Sequence[KnownPeer[Peer]]) -> Iterator[Need]:
    ports = [(port.protocol.value, port.port) for port in settings.dns.ports]
    if not any(server.pods for server in servers):
        return
    ways = tuple(Way(peers, (port,)) for port in ports for peers in choices_of(servers))
    yield Need("DNS", Direction.EGRESS, " or ".join(str(each.peer) for each in servers), ways)


def _probing(settings: Settings, *, in_mesh: bool) -> Iterator[Need]:
    node = (Way((Entity("host"),)),)
    yield Need("Probing", Direction.INGRESS, "the node (entity host)", node, _PROBED)
    cidrs = settings.mesh.probe_cidrs if in_mesh else ()
    if cidrs:
        # Which family of addresses the pods have is not known here: one of them is enough.
        way = Way(tuple(Network(ip_network(cidr)) for cidr in cidrs))
        yield Need("Probing", Direction.INGRESS, f"CIDR {' or '.join(cidrs)}", (way,), _PROBED)


def _scraping(settings: Settings, scraper: KnownPeer[Scraper], *, in_mesh: bool) -> Iterator[Need]:
    if not scraper.pods:
        return
    ports = scraper.peer.ports
    # In the mesh, metrics may come through the tunnel.
    numbers = (*ports, settings.mesh.port) if ports and in_mesh else ports
    # Which port has the metrics is the pod's own business, and which scraper scrapes it too.
    way = Way(scraper.pods, tuple(("TCP", number) for number in numbers))
    yield Need("Scraping", Direction.INGRESS, str(scraper.peer), (way,), "the port of the metrics")


def _tunnel(settings: Settings, ztunnel: KnownPeer[Peer]) -> Iterator[Need]:
    ways = tuple(Way(peers, (("TCP", settings.mesh.port),)) for peers in ztunnel.choices)
    if ztunnel.pods:
        for direction in (Direction.EGRESS, Direction.INGRESS):
            yield Need("HBONE", direction, str(ztunnel.peer), ways)
