"""What must flow in a cluster, and is dropped: Cilium's engine says so, packet by packet.

It knows nothing of how findings are made. What an inspection cannot know for certain (a port by its
name, an address of a node) may be found or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network
from itertools import islice

from homelab_netpol.cilium.evaluation import (
    Direction,
    DirectionVerdict,
    Endpoint,
    Entity,
    Network,
    Outcome,
    Pod,
    ReadPolicy,
    egress_verdict,
    ingress_verdict,
    read_policies,
    read_policy,
)
from homelab_netpol.cilium.evaluation.matchers import Unclear
from homelab_netpol.intent import GATEWAYS
from homelab_netpol.settings import Peer, namespaces_of_peers
from lab.control_plane import Engine, Flow, Identity
from tests.inspected import Json
from tests.models.model import Model
from tests.models.reading import allowing_part, port_numbers

_TCP = "TCP"


@dataclass(frozen=True)
class Packet:
    """The first packet of a connection, where it leaves a pod or reaches one."""

    direction: Direction
    pod: str
    peer: str
    port: int
    protocol: str = _TCP

    def flow(self) -> Flow:
        """As the engine is asked."""
        ends = (self.pod, self.peer)
        source, target = ends if self.direction is Direction.EGRESS else ends[::-1]
        return Flow(source, target, self.port, self.protocol)


@dataclass
class Drops:
    """What is dropped: the Namespace that is to be told, and the beginning of the message.

    Attributes:
        certain: these must be found.
        uncertain: these may be.
    """

    certain: set[tuple[str, str]] = field(default_factory=set)
    uncertain: set[tuple[str, str]] = field(default_factory=set)


class MustFlow:
    """A cluster in the engine."""

    def __init__(self, model: Model, engine: Engine) -> None:
        """Gives the engine the cluster's pods and policies."""
        self._model, self._engine = model, engine
        self._settings = model.settings
        self._in_force = model.in_force()
        self._cache = model.inspection().cache
        self._pods = {
            f"{namespace}/{number}": Pod(namespace, model.namespaces.get(namespace), labels)
            for namespace, of_it in model.pods.items()
            for number, labels in enumerate(of_it)
        }
        self._ends: dict[str, Endpoint] = {**self._pods, "host": Entity("host")}
        self._ends |= {cidr: Network(ip_network(cidr)) for cidr in self._settings.mesh.probe_cidrs}
        engine.identities({name: _identity(name, end) for name, end in self._ends.items()})
        self._put(self._in_force)
        self._read = read_policies(self._in_force)
        self._ports = sorted(
            {1, 4242, 65535, self._settings.mesh.port, *port_numbers(self._in_force)}
        )

    def drops(self) -> Drops:
        """Everything that must flow, and does not."""
        drops = Drops()
        for namespace in self._platform():
            for pod in self._of(namespace):
                for begins, ways in self._needs(pod):
                    self._add(drops, namespace, begins, ways)
        self._add_clients(drops)
        self._add_gateways(drops)
        self._add_void_rules(drops)
        return drops

    def _add(
        self,
        drops: Drops,
        told: str,
        begins: str,
        ways: Iterable[Sequence[Packet]],
        depends_on: Sequence[Packet] = (),
    ) -> None:
        ways = [way for way in ways if way]
        passes = iter(self._passes([packet for way in ways for packet in way]))
        for way in ways:
            if not any(list(islice(passes, len(way)))):
                asked = (self._ours(one).outcome for one in (*way, *depends_on))
                known = all(outcome is not Outcome.UNKNOWN for outcome in asked)
                (drops.certain if known else drops.uncertain).add((told, begins))

    def _passes(self, packets: Sequence[Packet]) -> list[bool]:
        verdicts = self._engine.verdicts(packet.flow() for packet in packets)
        return [
            (one.egress if packet.direction is Direction.EGRESS else one.ingress) == "allowed"
            for packet, one in zip(packets, verdicts, strict=True)
        ]

    def _ours(
        self, packet: Packet, policies: Sequence[ReadPolicy] | None = None
    ) -> DirectionVerdict:
        ask = egress_verdict if packet.direction is Direction.EGRESS else ingress_verdict
        pod, peer = self._pods[packet.pod], self._ends[packet.peer]
        read = self._read if policies is None else policies
        return ask(read, pod, peer, packet.port, packet.protocol)

    # Of every pod of a platform namespace

    def _needs(self, pod: str) -> Iterator[tuple[str, list[list[Packet]]]]:
        settings, mesh = self._settings, self._settings.mesh
        in_mesh = self._in_mesh(pod)
        [server] = settings.dns.servers
        dns = self._labelled(server)
        if pod not in dns:
            ports = [(port.port, port.protocol.value) for port in settings.dns.ports]
            yield (
                "DNS to",
                [[Packet(Direction.EGRESS, pod, peer, *port)] for peer in dns for port in ports],
            )
        yield "Probing from the node", [self._any_port(pod, ["host"])]
        [scraper] = settings.scrapers
        scrapers = self._labelled(scraper)
        if pod not in scrapers:
            ports_of_metrics = [*scraper.ports]
            if ports_of_metrics and in_mesh:
                ports_of_metrics.append(mesh.port)
            yield "Scraping from", [self._any_port(pod, scrapers, ports_of_metrics)]
        ztunnel = self._labelled(*mesh.ztunnel)
        if not in_mesh:
            return
        yield "Probing from CIDR", [self._any_port(pod, mesh.probe_cidrs)]
        if pod not in ztunnel:
            for way, direction in (("to", Direction.EGRESS), ("from", Direction.INGRESS)):
                yield f"HBONE {way}", [[Packet(direction, pod, one, mesh.port)] for one in ztunnel]

    def _any_port(self, pod: str, peers: Iterable[str], ports: Sequence[int] = ()) -> list[Packet]:
        return [
            Packet(Direction.INGRESS, pod, peer, port)
            for peer in peers
            for port in ports or self._ports
        ]

    # Of what others need of platform namespaces

    def _add_clients(self, drops: Drops) -> None:
        dns = self._settings.dns
        [home] = namespaces_of_peers(dns.servers)
        if home not in self._platform():
            return
        servers = self._labelled(*dns.servers)
        for client in sorted(set(self._pods) - set(servers)):
            for server in servers:
                for port in dns.ports:
                    end = (port.port, port.protocol.value)
                    # What the client's own policies keep back is no loss of the server's.
                    sent = Packet(Direction.EGRESS, client, server, *end)
                    got = Packet(Direction.INGRESS, server, client, *end)
                    leaves, arrives = self._passes([sent, got])
                    if leaves and not arrives:
                        self._add(drops, home, "DNS from", [[got]], [sent])

    def _add_gateways(self, drops: Drops) -> None:
        gateways, cache = self._settings.gateways, self._cache
        [home] = gateways.namespaces
        if home not in self._platform():
            return
        meshed = cache.namespaces.is_meshed(home)
        for which in GATEWAYS:
            for app in self._model.namespaces:
                intent = cache.intents.get(app)
                if intent is None or not intent.profile or intent.profile not in _LETS_IN[which]:
                    continue
                ports = self._ports
                if intent.meshed and meshed:
                    ports = [self._settings.mesh.port]
                for gateway in self._labelled(*gateways.of(which)):
                    way = [
                        Packet(Direction.EGRESS, gateway, pod, port)
                        for pod in self._of(app)
                        for port in ports
                    ]
                    begins = f"What comes through the gateway {which}"
                    self._add(drops, home, begins, [way])

    def _add_void_rules(self, drops: Drops) -> None:
        """Rules of meshed platform namespaces that open a port in the mesh, and not its own."""
        port = self._settings.mesh.port
        for policy in self._model.policies:
            namespace = policy["metadata"].get("namespace", "")
            own = [one for one in self._of(namespace) if self._in_mesh(one)]
            if namespace not in self._platform() or not own:
                continue
            for direction, way in ((Direction.EGRESS, "to"), (Direction.INGRESS, "from")):
                begins = f"{policy['kind']} {policy['metadata']['name']} opens TCP {way}"
                for pair, known in list(self._opened_by(policy, direction, own)):
                    tunnel = [[Packet(direction, *pair, port)]]
                    told = drops if known else Drops(drops.uncertain, drops.uncertain)
                    self._add(told, namespace, begins, tunnel)

    def _opened_by(
        self, policy: Json, direction: Direction, own: Iterable[str]
    ) -> Iterator[tuple[tuple[str, str], bool]]:
        """To or from whom it opens something, and whether that can be read out of it."""
        peers = [one for one in self._pods if self._in_mesh(one)]
        pairs = [(pod, peer) for pod in own for peer in peers]
        closed: Json = {"ingress": [{}], "egress": [{}]}
        nothing = {
            "kind": "CiliumClusterwideNetworkPolicy",
            "metadata": {"name": "nothing", "uid": "nothing"},
            "spec": {"endpointSelector": {}, **closed},
        }
        alone = allowing_part(policy)
        if alone is None:
            return
        self._put([alone, nothing])
        packets = [Packet(direction, *pair, port) for pair in pairs for port in self._ports]
        passes = iter(self._passes(packets))
        opened = [pair for pair in pairs if any(list(islice(passes, len(self._ports))))]
        self._put(self._in_force)
        # What is not understood of one part of a policy makes all of it unclear.
        is_read = not any(isinstance(r.subject, Unclear) for r in read_policy(policy).rules)
        read = read_policies([alone, nothing])
        for pair in opened:
            asked = (self._ours(Packet(direction, *pair, port), read) for port in self._ports)
            yield pair, is_read and any(one.outcome is Outcome.ALLOWED for one in asked)

    # What there is

    def _put(self, policies: Sequence[Json]) -> None:
        for rejection in self._engine.policies(policies):
            assert "status" in policies[rejection.index], rejection

    def _platform(self) -> list[str]:
        words = self._cache.catalogue.vocabulary
        return [name for name in self._model.namespaces if name in words.platform_namespaces]

    def _of(self, namespace: str) -> list[str]:
        return [name for name, pod in self._pods.items() if pod.namespace == namespace]

    def _labelled(self, peer: Peer) -> list[str]:
        return [
            name
            for name in self._of(peer.namespace or "")
            if peer.pod_labels.items() <= self._pods[name].labels.items()
        ]

    def _in_mesh(self, name: str) -> bool:
        mesh, pod = self._settings.mesh, self._pods[name]
        of_namespace = self._model.namespaces.get(pod.namespace, {})
        return (
            of_namespace.get(mesh.label) == mesh.value
            and pod.labels.get(mesh.label, mesh.value) == mesh.value
        )


# The vocabulary's table.
_LETS_IN = {"internal": ("internal", "internal-egress", "standard"), "external": ("standard",)}


def _identity(name: str, end: Endpoint) -> Identity:
    match end:
        case Pod():
            return Identity.pod(end.namespace, end.labels, end.namespace_labels)
        case Entity():
            return Identity.entity(name)
        case _:
            return Identity.address(name)
