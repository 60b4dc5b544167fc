"""Whom a rule names: in words, and as endpoints of which policies can be asked. Pure.

An endpoint stands for others: an address for those of a network, a pod that has just the labels of
a selector for all that it selects. What cannot be represented for certain has no endpoints.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_network

from homelab_netpol.cilium.evaluation.endpoint import Endpoint, Entity, Name, Network, Pod
from homelab_netpol.cilium.evaluation.matchers import (
    Cidr,
    DnsNames,
    EndpointSelector,
    Entities,
    Matcher,
)
from homelab_netpol.cilium.evaluation.policy import Rule
from homelab_netpol.cilium.selectors import Operator, Requirement
from homelab_netpol.cilium.terms import (
    CLUSTERS,
    NAMESPACE_LABELS_PREFIX,
    SOURCE_RESERVED,
    IpNetwork,
)
from homelab_netpol.findings.places import SOME_OTHER, Labels, Places, is_of_name

_EVERYWHERE = (ip_network("0.0.0.0/0"), ip_network("::/0"))
_INTERNET = "the internet (world)"
_EVERY_NAMESPACE = "every Namespace"
_OWN_NAMESPACE = "its own Namespace"
_NODES = "nodes"
# Of what lists more, the first ones are looked at.
_MOST_NAMESPACES = 50
_MOST_PODS = 24
# What may be as small as this may consist of the addresses of a few names.
_FEW_ADDRESSES = {4: 24, 6: 64}


@dataclass(frozen=True, slots=True)
class Peer:
    """One end of connections that a rule is about.

    Attributes:
        words: whom it means.
        endpoints: what stands for it.
        few: it may consist of few addresses, so that the names that another rule means may resolve
            to all of them.
    """

    words: str
    endpoints: tuple[Endpoint, ...]
    few: bool = False


@dataclass(frozen=True, slots=True)
class PeerContext:
    """What else decides which endpoints stand for a rule's peers.

    Attributes:
        own: the namespace of the pods that the rule is about.
        places: the Namespaces that there are.
        named: the namespaces that other rules name.
        networks: the networks that other rules name.
    """

    own: str
    places: Places
    named: frozenset[str]
    networks: tuple[IpNetwork, ...]


def peers_of(rule: Rule, around: PeerContext) -> Iterator[Peer]:
    """The peers of a rule, as far as they can be represented."""
    for matcher in rule.peers:
        yield from _peers(matcher, around)


def networks_of(matchers: Iterable[Matcher]) -> Iterator[IpNetwork]:
    """The networks that some matchers name, exceptions included."""
    for matcher in matchers:
        if isinstance(matcher, Cidr):
            yield matcher.network
            yield from matcher.exceptions


def names_of(rule: Rule) -> tuple[frozenset[str], bool]:
    """The namespaces that a rule's peers name, and whether it looks at labels of Namespaces."""
    by_label = any(
        one.is_of_namespace and not is_of_name(one)
        for matcher in rule.peers
        if isinstance(matcher, EndpointSelector)
        for one in matcher.requirements
    )
    return frozenset(namespaces_of(rule.peers)), by_label


def namespaces_of(matchers: Iterable[Matcher]) -> Iterator[str]:
    """The namespaces that some matchers name."""
    for matcher in matchers:
        if isinstance(matcher, EndpointSelector):
            for one in matcher.requirements:
                if is_of_name(one):
                    yield from one.values


def selected_pods(
    subject: Matcher, namespace: str, labels: Labels, pods: Sequence[Labels]
) -> Sequence[Labels]:
    """The pods of a namespace that a rule is certainly about, by their labels.

    A rule that is about whatever pods there may be is about one without labels, if there are none.
    """
    if subject.matches(Pod(namespace, labels, {}, complete=False)) is True:
        return pods or ({},)
    return [pod for pod in pods if subject.matches(Pod(namespace, labels, pod)) is True]


def _peers(matcher: Matcher, around: PeerContext) -> Iterator[Peer]:
    match matcher:
        case Entities(names):
            for name in sorted(names):
                yield from _of_entity(name, around)
        case Cidr(network, _):
            addresses = _addresses(matcher, around.networks)
            words = _INTERNET if network == _EVERYWHERE[0] else f"addresses {network}"
            few = network.prefixlen >= _FEW_ADDRESSES[network.version]
            yield Peer(words, addresses, few=few)
        case DnsNames(names):
            for name in names:
                yield Peer(name, (Name(example_of(name)),), few=True)
        case EndpointSelector():
            yield from _of_selector(matcher, around)


def _of_entity(name: str, around: PeerContext) -> Iterator[Peer]:
    if name in ("all", "world"):
        yield Peer(_INTERNET, _addresses_of(_EVERYWHERE, around))
    if name == "all" or name in CLUSTERS:
        yield Peer(_EVERY_NAMESPACE, (Pod(SOME_OTHER, {}, {}),))
        yield Peer(_NODES, (Entity("host"), Entity("remote-node")))
    if name in ("host", "remote-node"):
        yield Peer(_NODES, (Entity(name),))
    elif name in ("world-ipv4", "world-ipv6"):
        family = [each for each in _EVERYWHERE if name.endswith(str(each.version))]
        yield Peer(f"the internet ({name})", _addresses_of(family, around))
    elif name not in ("all", "world", "none", *CLUSTERS):
        yield Peer(f"entity {name}", (Entity(name),))


# Addresses


def _addresses_of(networks: Iterable[IpNetwork], around: PeerContext) -> tuple[Network, ...]:
    return tuple(one for net in networks for one in _addresses(Cidr(net), around.networks))


def _addresses(wanted: Cidr, others: Iterable[IpNetwork]) -> tuple[Network, ...]:
    """Addresses of a network between which other networks, or its exceptions, begin or end."""
    first, last = _ends(wanted.network)
    turns = {first}
    for other in (*others, *wanted.exceptions):
        if other.version == wanted.network.version:
            start, end = _ends(other)
            turns |= {start, start - 1, end + 1}
    found = (
        Network(ip_network((turn, wanted.network.max_prefixlen)))
        for turn in sorted(turns)
        if first <= turn <= last
    )
    return tuple(one for one in found if wanted.matches(one) is True)


def _ends(network: IpNetwork) -> tuple[int, int]:
    return int(network.network_address), int(network.broadcast_address)


def example_of(pattern: str) -> str:
    """A name that a pattern means and hardly any other pattern does."""
    plain = pattern.rstrip(".").lstrip("*").lstrip(".")
    head = "any-name." if plain and pattern.startswith("*.") else "some.other-name."
    if not pattern.startswith("*"):
        head = ""
    return (head + plain).replace("*", "any-name") or "some.other-name"


# Pods


def _of_selector(selector: EndpointSelector, around: PeerContext) -> Iterator[Peer]:
    reserved = [one for one in selector.requirements if one.source == SOURCE_RESERVED]
    if reserved:
        for one in reserved:
            if not one.operator.is_negative:
                yield from _of_entity(one.key, around)
        return
    of_pods = [one for one in selector.requirements if not one.is_of_namespace]
    for words, namespaces in _namespaces(selector.requirements, around):
        pods = (
            Pod(namespace, labels_of_namespace, labels)
            for namespace, labels_of_namespace in namespaces
            for labels in _labels(of_pods)
        )
        found = tuple(
            pod for pod in itertools.islice(pods, _MOST_PODS) if selector.matches(pod) is True
        )
        if of_pods:
            conditions = ", ".join(map(str, of_pods))
            words = f"pods {conditions} of {words}"
        yield Peer(words, found)


_Namespace = tuple[str, Labels]


def _namespaces(
    requirements: Iterable[Requirement], around: PeerContext
) -> Iterator[tuple[str, Sequence[_Namespace]]]:
    """Where a selector looks for pods, each place with its words."""
    places = around.places
    of_namespaces = [one for one in requirements if one.is_of_namespace]
    by_name = [one for one in of_namespaces if is_of_name(one)]
    by_label = [one for one in of_namespaces if not is_of_name(one)]
    listed = [one for one in by_name if one.operator is Operator.IN]
    if listed:
        for name in itertools.islice(sorted(listed[0].values), _MOST_NAMESPACES):
            words = _OWN_NAMESPACE if name == around.own else f"Namespace {name}"
            yield words, [(name, places.labels(name))]
    elif not by_label:
        yield _EVERY_NAMESPACE, [(SOME_OTHER, {})]
    else:
        conditions = ", ".join(str(one).replace(NAMESPACE_LABELS_PREFIX, "") for one in by_label)
        meeting = places.meeting(of_namespaces)
        others = [name for name in meeting if name != around.own]
        telling = [name for name in others if name in around.named]
        telling += [name for name in others if name not in around.named][:1]
        if not meeting:
            yield (
                f"Namespaces {conditions}",
                [(SOME_OTHER, labels) for labels in _labels(map(_of_namespace, by_label))],
            )
        elif telling:
            yield f"Namespaces {conditions}", [(name, places.labels(name)) for name in telling]
        if around.own in meeting:
            yield _OWN_NAMESPACE, [(around.own, places.labels(around.own))]


def _of_namespace(one: Requirement) -> Requirement:
    """The same of the Namespace's own label."""
    key = one.key.removeprefix(NAMESPACE_LABELS_PREFIX)
    return Requirement(one.source, key, one.operator, one.values)


def _labels(requirements: Iterable[Requirement]) -> Iterator[Labels]:
    """Labels that meet some requirements, and no others."""
    choices: dict[str, list[str | None]] = {}
    for one in requirements:
        match one.operator:
            case Operator.IN:
                choices[one.key] = list(one.values)
            case Operator.EXISTS:
                choices.setdefault(one.key, ["any"])
            case _:
                choices.setdefault(one.key, [None])
    for chosen in itertools.product(*choices.values()):
        pairs = zip(choices, chosen, strict=True)
        yield {key: value for key, value in pairs if value is not None}
