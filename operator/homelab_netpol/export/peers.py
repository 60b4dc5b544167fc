"""Peers and ports of Cilium's rules, as far as other kinds can say them. Pure.

Cilium knows pods and nodes by what they are, never by an address; elsewhere a network holds every
address in it. So the networks of the cluster's own addresses are left out of all others, and
without knowing them no rule on addresses can be exported.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_network

from homelab_netpol.cilium import terms
from homelab_netpol.cilium.evaluation.matchers import (
    Cidr,
    DnsNames,
    EndpointSelector,
    Entities,
    Lacking,
    Matcher,
)
from homelab_netpol.cilium.evaluation.policy import Direction, Rule
from homelab_netpol.cilium.identity_labels import DEFAULT, IdentityLabels
from homelab_netpol.cilium.selectors import Operator, Requirement
from homelab_netpol.cilium.terms import IpNetwork
from homelab_netpol.export.limits import Effect

_EVERYWHERE = {4: ip_network("0.0.0.0/0"), 6: ip_network("::/0")}
_WORLDS = {"world": (4, 6), "world-ipv4": (4,), "world-ipv6": (6,)}


@dataclass(frozen=True, slots=True)
class Addresses:
    """What the export has to know of the cluster.

    Attributes:
        cluster: the networks of pods, Services and nodes.
        api_servers: the addresses of the API server.
        identity_labels: which labels Cilium's selectors can see.
        cluster_name: this cluster's; None: not known.
    """

    cluster: tuple[IpNetwork, ...] = ()
    api_servers: tuple[IpNetwork, ...] = ()
    identity_labels: IdentityLabels = DEFAULT
    cluster_name: str | None = None


@dataclass(frozen=True, slots=True)
class Anybody:
    """Every peer."""


@dataclass(frozen=True, slots=True)
class Pods:
    """Pods of the cluster.

    Attributes:
        namespaces: what their Namespace's labels must be, its name included as the label that
            Kubernetes gives it.
        labels: what their own labels must be.
        own: they are in this namespace, and `namespaces` says nothing; None: wherever they are.
    """

    namespaces: tuple[Requirement, ...] = ()
    labels: tuple[Requirement, ...] = ()
    own: str | None = None


@dataclass(frozen=True, slots=True)
class Net:
    """Addresses outside the cluster."""

    network: IpNetwork
    exceptions: tuple[IpNetwork, ...] = ()


Peer = Anybody | Pods | Net


@dataclass(frozen=True, slots=True)
class Port:
    """Ports of one protocol.

    Attributes:
        protocol: TCP, UDP or SCTP.
        first: the first one; 0: all of them.
        last: the last one.
        name: of a port that containers name, in place of numbers.
    """

    protocol: str
    first: int = 0
    last: int = terms.LAST_PORT
    name: str = ""


class Unsayable(Exception):
    """A peer or a rule that cannot be said: what it is, and the effect of leaving it out."""

    def __init__(self, what: str, effect: Effect = Effect.NARROWER) -> None:
        super().__init__(what)
        self.what = what
        self.effect = effect


def settled(requirement: Requirement, addresses: Addresses) -> Requirement | bool:
    """A requirement on labels as Cilium sees them: some are always met, or never.

    Raises:
        Unsayable: it is about what only Cilium knows.
    """
    key = requirement.key
    if requirement.source == terms.SOURCE_RESERVED or not requirement.is_of_pods:
        raise Unsayable("peers by labels that only Cilium gives")
    if key == terms.CLUSTER_KEY:
        if addresses.cluster_name is None:
            raise Unsayable("pods by the name of their cluster")
        if not requirement.holds(addresses.cluster_name):
            raise Unsayable("pods of another cluster of the mesh")
        return True
    if key.startswith(terms.CILIUM_LABELS_PREFIX):
        raise Unsayable("pods by their service account")
    kept = addresses.identity_labels.keeps(key)
    if kept is None:
        raise Unsayable(f"pods by the label {key}, which not every version of Cilium sees")
    return requirement if kept else requirement.holds(None)


def split(
    selector: EndpointSelector, addresses: Addresses
) -> tuple[tuple[Requirement, ...], tuple[Requirement, ...]] | None:
    """The requirements on the Namespace and on the pods themselves; None: no pod meets them.

    Those on the Namespace are about its own labels; its name is the label that Kubernetes gives it.

    Raises:
        Unsayable: one is about what only Cilium knows.
    """
    namespaces, labels = list[Requirement](), list[Requirement]()
    for each in selector.requirements:
        one = settled(each, addresses)
        if one is False:
            return None
        if one is True:
            continue
        if one.key == terms.NAMESPACE_KEY:
            if one.operator is Operator.DOES_NOT_EXIST:
                return None
            if one.operator is not Operator.EXISTS:
                namespaces.append(_on(one, terms.NAME_LABEL))
        elif one.key.startswith(terms.NAMESPACE_LABELS_PREFIX):
            namespaces.append(_on(one, one.key.removeprefix(terms.NAMESPACE_LABELS_PREFIX)))
        else:
            labels.append(one)
    return tuple(namespaces), tuple(labels)


def _on(requirement: Requirement, key: str) -> Requirement:
    return Requirement(terms.SOURCE_K8S, key, requirement.operator, requirement.values)


def peers_of(rule: Rule, namespace: str, addresses: Addresses) -> Iterator[Peer | Unsayable]:
    """The peers of a rule, and what of them cannot be said.

    Args:
        rule: a rule.
        namespace: of its policy; "" for a clusterwide one.
        addresses: of the cluster.
    """
    for matcher in rule.peers:
        try:
            yield from _peers(matcher, rule.direction, namespace, addresses)
        except Unsayable as reason:
            yield reason


def _peers(
    matcher: Matcher, direction: Direction, namespace: str, addresses: Addresses
) -> Iterator[Peer | Unsayable]:
    match matcher:
        case EndpointSelector():
            parts = split(matcher, addresses)
            if parts is None:
                return
            namespaces, labels = parts
            if namespace and namespaces == _named(namespace):
                yield Pods(labels=labels, own=namespace)
            else:
                yield Pods(namespaces, labels)
        case Entities():
            for name in sorted(matcher.names):
                yield from _entity(name, direction, addresses)
        case Cidr():
            yield from _net(matcher.network, matcher.exceptions, addresses)
        case DnsNames():
            raise Unsayable("DNS names outside the cluster (toFQDNs)")
        case Lacking():
            raise Unsayable("peers by labels that only Cilium gives")
        case _:
            raise Unsayable("peers by CIDR groups, Services, nodes or a cloud's groups")


def _named(namespace: str) -> tuple[Requirement, ...]:
    return (Requirement(terms.SOURCE_K8S, terms.NAME_LABEL, Operator.IN, (namespace,)),)


def _entity(name: str, direction: Direction, addresses: Addresses) -> Iterator[Peer | Unsayable]:
    if name == "all":
        yield Anybody()
    elif name == "none":
        return
    elif name in terms.CLUSTERS:
        yield Pods()
        yield Unsayable(f"nodes and the API server, as part of the entity {name}")
    elif name in _WORLDS:
        for family in _WORLDS[name]:
            yield from _net(_EVERYWHERE[family], (), addresses)
    elif name == "kube-apiserver":
        if not addresses.api_servers:
            raise Unsayable("the API server (entity kube-apiserver): give --api-server ADDRESS")
        for address in addresses.api_servers:
            yield Net(address)
    elif name == "health":
        raise Unsayable("the entity health, which only Cilium has", Effect.NONE)
    elif name == "host" and direction is Direction.INGRESS:
        raise Unsayable("the pod's own node (entity host), which is always let in", Effect.NONE)
    else:
        raise Unsayable(f"the entity {name}")


def _net(
    network: IpNetwork, exceptions: tuple[IpNetwork, ...], addresses: Addresses
) -> Iterator[Net]:
    family = network.version
    cluster = [each for each in addresses.cluster if each.version == family]
    if not cluster and addresses.cluster:
        raise Unsayable(
            f"addresses of IPv{family}, which the cluster does not use by what --cluster-cidr says",
            Effect.NONE,
        )
    if not cluster:
        raise Unsayable(
            f"addresses of IPv{family} outside the cluster: give the networks of pods, Services and"
            " nodes (--cluster-cidr), which must be left out of them"
        )
    within = [each for each in cluster if _holds(each, network)]
    if within:
        raise Unsayable(f"{network}, which is within the cluster's own network {within[0]}")
    out = [*exceptions, *(each for each in cluster if _holds(network, each))]
    if network in out:
        return
    least = [
        each
        for each in dict.fromkeys(out)
        if not any(_holds(other, each) for other in out if other != each)
    ]
    yield Net(network, tuple(sorted(least, key=str)))


def _holds(outer: IpNetwork, inner: IpNetwork) -> bool:
    first, last = int(outer.network_address), int(outer.broadcast_address)
    return (
        outer.version == inner.version
        and first <= int(inner.network_address)
        and int(inner.broadcast_address) <= last
    )


def ports_of(rule: Rule) -> Iterator[Port | Unsayable]:
    """The ports of a rule that has any, and what of them cannot be said."""
    for span in rule.ports or ():
        if span.filtered:
            yield Unsayable("rules on requests (HTTP, DNS names)")
            continue
        for protocol in sorted(span.protocols):
            if protocol not in terms.TRANSPORT_PROTOCOLS:
                yield Unsayable(f"the protocol {protocol}")
            elif span.name:
                yield Port(protocol, name=span.name)
            elif span.doubt is not None:
                yield Unsayable(f"ports of which {span.doubt.value}")
            elif span.first == 0:
                yield Port(protocol)
            else:
                yield Port(protocol, span.first, span.last)
