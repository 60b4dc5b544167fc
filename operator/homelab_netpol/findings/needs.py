"""What must flow to and from the pods of a platform namespace, whatever runs there. Pure.

DNS, the kubelet's probes, Prometheus and, in a mesh, its tunnel. What else a policy should have is
its author's business.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network

from homelab_netpol.cilium.evaluation.endpoint import Endpoint, Entity, Network, Pod
from homelab_netpol.cilium.evaluation.policy import Direction
from homelab_netpol.findings.finding import name_labels
from homelab_netpol.settings import Settings

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
        prometheus: those that scrape.
        ztunnel: the mesh's proxies.
    """

    dns: Sequence[Pod] = ()
    prometheus: Sequence[Pod] = ()
    ztunnel: Sequence[Pod] = ()

    def roles(self, pod: Pod) -> Roles:
        """Which of these a pod is itself."""
        return (pod in self.dns, pod in self.prometheus, pod in self.ztunnel)

    def without(self, roles: Roles) -> Surroundings:
        """What a pod in these roles may need: nothing of its own kind."""
        every = (self.dns, self.prometheus, self.ztunnel)
        return Surroundings(*(() if own else pods for pods, own in zip(every, roles, strict=True)))


def needs_of(settings: Settings, around: Surroundings, *, in_mesh: bool) -> Iterator[Need]:
    """What a pod must be able to do.

    Args:
        settings: say where probes come from, and which ports are meant.
        around: the pods that there are; of those that are not, nothing is asked.
        in_mesh: the pod is in the mesh.
    """
    yield from _dns(settings, around.dns)
    yield from _probing(settings, in_mesh=in_mesh)
    yield from _scraping(settings, around.prometheus, in_mesh=in_mesh)
    if in_mesh:
        yield from _tunnel(settings, around.ztunnel)


def _dns(settings: Settings, pods: Sequence[Pod]) -> Iterator[Need]:
    if pods:
        dns = settings.dns
        ports = [(port.protocol.value, port.port) for port in dns.ports]
        groups = _each(pods, dns.labels)
        ways = tuple(Way(peers, (port,)) for port in ports for peers in groups)
        yield Need("DNS", Direction.EGRESS, name_pods(dns.namespace, dns.labels), ways)


def _probing(settings: Settings, *, in_mesh: bool) -> Iterator[Need]:
    node = (Way((Entity("host"),)),)
    yield Need("Probing", Direction.INGRESS, "the node (entity host)", node, _PROBED)
    cidrs = settings.mesh.probe_cidrs if in_mesh else ()
    if cidrs:
        # Which family of addresses the pods have is not known here: one of them is enough.
        way = Way(tuple(Network(ip_network(cidr)) for cidr in cidrs))
        yield Need("Probing", Direction.INGRESS, f"CIDR {' or '.join(cidrs)}", (way,), _PROBED)


def _scraping(settings: Settings, pods: Sequence[Pod], *, in_mesh: bool) -> Iterator[Need]:
    if not pods:
        return
    scraper = settings.prometheus
    # In the mesh, metrics may come through the tunnel.
    numbers = (*scraper.ports, settings.mesh.port) if scraper.ports and in_mesh else scraper.ports
    # Which port has the metrics is the pod's own business, and which Prometheus scrapes it too.
    way = Way(tuple(pods), tuple(("TCP", number) for number in numbers))
    words = name_pods(scraper.namespace, scraper.labels)
    yield Need("Scraping", Direction.INGRESS, words, (way,), "the port of the metrics")


def _tunnel(settings: Settings, pods: Sequence[Pod]) -> Iterator[Need]:
    mesh = settings.mesh
    peer = name_pods(mesh.ztunnel.namespace, mesh.ztunnel.labels)
    ways = tuple(Way(peers, (("TCP", mesh.port),)) for peers in _each(pods, mesh.ztunnel.labels))
    if ways:
        for direction in (Direction.EGRESS, Direction.INGRESS):
            yield Need("HBONE", direction, peer, ways)


def _each(pods: Sequence[Pod], labels: Mapping[str, str]) -> list[tuple[Pod, ...]]:
    """Pods that labels chose must all be reached; of a whole namespace it may be any."""
    return [(pod,) for pod in pods] if labels else [tuple(pods)]


def name_pods(namespace: str, labels: Mapping[str, str]) -> str:
    """Pods by their namespace, and by labels if there are any."""
    return f"{namespace} {name_labels(labels)}" if labels else f"namespace {namespace}"
