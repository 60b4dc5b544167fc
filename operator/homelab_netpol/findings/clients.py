"""What platform namespaces do to others: DNS without clients, gateways without apps. Pure.

The policies are those of the DNS pods and of the gateways; the namespaces at the other end did
nothing wrong.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from homelab_netpol.cilium.evaluation.endpoint import Pod
from homelab_netpol.cilium.evaluation.policy import Direction, ReadPolicy
from homelab_netpol.cilium.evaluation.verdict import DirectionVerdict
from homelab_netpol.findings.drops import PodGroups, cause_of, dropped
from homelab_netpol.findings.finding import Finding, FindingReason, name_namespaces, name_ports
from homelab_netpol.findings.needs import Port, Way
from homelab_netpol.findings.peer_pods import KnownPeer
from homelab_netpol.settings import GatewayPeer, Peer, Settings

# A message names one namespace, and says whether there are others.
_ENOUGH = 2


def dns_findings(
    dns: KnownPeer[Peer],
    policies: Sequence[ReadPolicy],
    clients: Iterable[Pod],
    sends: Callable[[Pod, Pod, Port], bool],
    settings: Settings,
) -> Iterator[Finding | None]:
    """Whom the policies of the DNS pods shut out.

    Args:
        dns: the pods of one namespace that answer DNS, at least one.
        policies: all that may select them, the operator's among them.
        clients: all pods that may ask, in the order of their namespaces.
        sends: whether a client's own policies let it ask a DNS pod on a port.
        settings: say which ports are meant.
    """
    groups = PodGroups(policies, Direction.INGRESS)
    for pod in dns.pods:
        groups.add(pod)
    closed = groups.closed()
    asked: list[Port] = [(each.protocol.value, each.port) for each in settings.dns.ports]
    shut_out: dict[str, list[DirectionVerdict]] = {}
    ports: dict[Port, None] = {}
    # Whom the same rules are about, the same is said to: few clients differ.
    known: dict[Hashable, list[DirectionVerdict]] = {}
    for client in clients if closed else ():
        met = tuple(one.rule.meets(client) for group in closed for one in group.rules)
        for port, group in itertools.product(asked, closed):
            key = (met, port, id(group))
            verdicts = known.get(key)
            if verdicts is None:
                verdicts = known[key] = dropped(group, Way((client,), (port,)))
            if verdicts and client not in dns.pods and sends(client, group.pods[0], port):
                shut_out.setdefault(client.namespace, []).extend(verdicts)
                ports[port] = None
        yield None
        if len(shut_out) == _ENOUGH:
            break
    if shut_out:
        cause = cause_of(Direction.INGRESS, [[one] for each in shut_out.values() for one in each])
        named, peers = name_ports((*port, None) for port in ports), name_namespaces(shut_out)
        head = f"DNS from {peers} to {dns.peer} ({named})"
        add = f"ingress from entity cluster on {named}"
        message = cause.message(head, add)
        yield Finding(FindingReason.PLATFORM_POLICY_INCOMPLETE, dns.pods[0].namespace, message)


@dataclass(frozen=True, slots=True)
class App:
    """A namespace whose profile lets a gateway in.

    Attributes:
        namespace: its name.
        pods: those that exist in it.
        ports: which of them the gateway must reach; none: any of all TCP ports will do.
        tunnel: the port by which it is reached in the mesh, beside or instead of those.
        only_by_tunnel: instead.
    """

    namespace: str
    pods: tuple[Pod, ...]
    ports: tuple[int, ...] = ()
    tunnel: int | None = None
    only_by_tunnel: bool = False

    def ways(self) -> list[Way]:
        """How it is reached; all of these must be open."""
        if not self.pods:
            return []
        tunnel = () if self.tunnel is None else (("TCP", self.tunnel),)
        if self.only_by_tunnel:
            return [Way(self.pods, tunnel)]
        if not self.ports:
            return [Way(self.pods)]
        return [Way(self.pods, (("TCP", port), *tunnel)) for port in self.ports]


def gateway_findings(
    which: str,
    gateway: KnownPeer[GatewayPeer],
    policies: Sequence[ReadPolicy],
    apps: Iterable[App | None],
) -> Iterator[Finding | None]:
    """Which apps a gateway's own policies keep it from.

    Args:
        which: `internal` or `external`.
        gateway: its pods of one namespace.
        policies: all that may select them, the operator's among them.
        apps: the namespaces that let it in, in their order; None where the event loop may turn.
    """
    groups = PodGroups(policies, Direction.EGRESS)
    for pod in gateway.pods:
        groups.add(pod)
    closed = groups.closed()
    cut_off: dict[str, list[list[DirectionVerdict]]] = {}
    ports: dict[Port, None] = {}
    for app in apps if closed else ():
        if len(cut_off) == _ENOUGH:
            break
        yield None
        if app is None:
            continue
        for way, group in itertools.product(app.ways(), closed):
            if verdicts := dropped(group, way):
                cut_off.setdefault(app.namespace, []).append(verdicts)
                ports.update(dict.fromkeys(way.ports))
            yield None
    if cut_off:
        cause = cause_of(Direction.EGRESS, [one for each in cut_off.values() for one in each])
        on = name_ports((*port, None) for port in ports) if ports else "the ports that they serve"
        apps_in_words = name_namespaces(cut_off)
        head = f"What comes through the gateway {which} for {apps_in_words}"
        message = cause.message(head, f"egress to {apps_in_words} on {on}")
        where = gateway.pods[0].namespace
        yield Finding(FindingReason.PLATFORM_POLICY_INCOMPLETE, where, message)
