"""Names for peers, ports and pods, as people who write labels know them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_network
from typing import Any

from homelab_netpol.access.diff.points import EVERYWHERE
from homelab_netpol.access.diff.ports import PortRange
from homelab_netpol.access.diff.rules import (
    OWN,
    is_of_name,
    is_of_namespace_labels,
    said_of,
)
from homelab_netpol.cilium.evaluation import Direction, read_policy
from homelab_netpol.cilium.evaluation.matchers import (
    Cidr,
    DnsNames,
    EndpointSelector,
    Entities,
    Lacking,
    Matcher,
    Unclear,
)
from homelab_netpol.cilium.selectors import Operator, Requirement
from homelab_netpol.cilium.terms import (
    CCNP,
    LAST_PORT,
    NAMESPACE_KEY,
    NAMESPACE_LABELS_PREFIX,
    SOURCE_RESERVED,
)
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.peers import labels_selector, peer_rules
from homelab_netpol.settings import Peer

_ENTITIES = {
    "all": "everything",
    "cluster": "the whole cluster",
    "cluster-mesh": "all clusters of the mesh",
    "health": "Cilium's health checks",
    "host": "the own node",
    "ingress": "Cilium's gateway (entity ingress)",
    "init": "starting pods (entity init)",
    "kube-apiserver": "the Kubernetes API",
    "none": "nothing",
    "remote-node": "other nodes",
    "unmanaged": "pods that Cilium does not manage",
    "world": "the internet",
    "world-ipv4": "the internet (IPv4)",
    "world-ipv6": "the internet (IPv6)",
}
_MOST_EXCEPTIONS = 3
_MOST_PORTS = 6


class PeerNames:
    """What the settings and resources of some trees call their peers."""

    def __init__(self, catalogues: Iterable[Catalogue]) -> None:
        """Collects the names; where two trees differ, the later one counts."""
        self._known: dict[Matcher, str] = {}
        self._resources: dict[Matcher, dict[str, None]] = {}
        for catalogue in catalogues:
            self._add(catalogue)

    def of(self, peer: Matcher | None, direction: Direction, *, gain: bool = False) -> str:
        """A peer in words; None: everything that no rule allows."""
        if peer is None:
            return "everything else" if not gain else "everything, as nothing is denied there"
        known = self._known.get(peer)
        if known is not None:
            return known
        words = _words(peer)
        if direction is Direction.EGRESS and peer in self._resources:
            return f"{' or '.join(self._resources[peer])} ({words})"
        return words

    def _add(self, catalogue: Catalogue) -> None:
        settings = catalogue.settings
        for which in ("internal", "external"):
            self._name(settings.gateways.of(which), f"the {which} gateway")
        self._name(settings.dns.servers, "DNS")
        self._name(settings.probes, "health probes")
        self._name(settings.mesh.ztunnel, "ztunnel")
        for scraper in settings.scrapers:
            self._name([scraper], f"the scraper {scraper}")
        for cidr in settings.lan.cidrs:
            self._known[Cidr(ip_network(cidr))] = f"the LAN ({cidr})"
        for name in catalogue.vocabulary.resources:
            resource = catalogue.resource(name)
            if resource.home is not None:
                labels = {NAMESPACE_KEY: resource.home, **resource.pod_labels}
                for matcher in _matchers([{"fromEndpoints": [labels_selector(labels)]}]):
                    self._resources.setdefault(matcher, {})[name] = None

    def _name(self, peers: Sequence[Peer], words: str) -> None:
        for peer in peers:
            # Entities and networks have names of their own, which say more.
            if peer.is_pods:
                for matcher in _matchers(peer_rules("from", [peer], [])):
                    self._known[matcher] = words


def subject_words(subject: Matcher) -> str:
    """Which pods of a Namespace; "" for all of them."""
    if isinstance(subject, EndpointSelector):
        return ", ".join(map(str, subject.requirements))
    return "that cannot be said"


def port_words(ports: Sequence[PortRange]) -> str:
    """Ports in words: `TCP 80 and 443`."""
    if not ports:
        return "every port"
    by_protocol: dict[str, list[str]] = {}
    for one in ports:
        by_protocol.setdefault(one.protocol, []).append(_port(one))
    parts: dict[tuple[str, ...], list[str]] = {}
    for protocol, numbers in by_protocol.items():
        parts.setdefault(tuple(numbers), []).append(protocol)
    return " and ".join(
        f"every {'/'.join(protocols)} port"
        if numbers == ("",)
        else f"{'/'.join(protocols)} {join(_some(numbers))}"
        for numbers, protocols in parts.items()
    )


def join(words: Sequence[str]) -> str:
    """Joins words as in a sentence: `a, b and c`."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def _port(one: PortRange) -> str:
    if one.name:
        return f"port {one.name}"
    if (one.first, one.last) == (1, LAST_PORT):
        return ""
    return str(one.first) if one.first == one.last else f"{one.first}-{one.last}"


def _some(words: Sequence[str]) -> list[str]:
    found = [each or "every port" for each in words]
    if len(found) <= _MOST_PORTS:
        return found
    return [*found[: _MOST_PORTS - 1], f"{len(found) - _MOST_PORTS + 1} ranges more"]


def _matchers(rules: Sequence[Mapping[str, Any]]) -> list[Matcher]:
    """How rules of the operator's name their peers, in the form that is compared."""
    spec = {"endpointSelector": {}, "ingress": [{**rule, "toPorts": None} for rule in rules]}
    policy = read_policy({"kind": CCNP, "metadata": {"name": "names"}, "spec": spec})
    return [peer for each in said_of([policy], OWN, {}) for peer in each.rule.peers]


def _words(peer: Matcher) -> str:
    match peer:
        case Entities(names):
            return join([_ENTITIES.get(name, f"entity {name}") for name in sorted(names)])
        case Cidr(network, exceptions):
            family = f" (IPv{network.version})"
            head = f"the internet{family}" if network in EVERYWHERE else str(network)
            if not exceptions:
                return head
            shown = [str(each) for each in exceptions[:_MOST_EXCEPTIONS]]
            if len(exceptions) > _MOST_EXCEPTIONS:
                shown.append(f"{len(exceptions) - _MOST_EXCEPTIONS} networks more")
            return f"{head} without {join(shown)}"
        case DnsNames(names):
            return join(names) if names else "no name"
        case EndpointSelector(requirements, _):
            return _pods(requirements)
        case Lacking(selector):
            return f"what has not {', '.join(map(str, selector.requirements))}"
        case Unclear(doubt, _):
            return f"peers that cannot be said ({doubt.value})"
        case _:
            return "peers that cannot be said"


def _pods(requirements: Sequence[Requirement]) -> str:
    reserved = [one for one in requirements if one.source == SOURCE_RESERVED]
    if reserved:
        return f"what Cilium labels {', '.join(f'reserved:{one}' for one in reserved)}"
    of_pods = [one for one in requirements if not one.is_of_namespace]
    where = _place(requirements)
    if not of_pods:
        return where
    return f"pods {', '.join(map(str, of_pods))} of {where}"


def _place(requirements: Sequence[Requirement]) -> str:
    by_name = [one for one in requirements if is_of_name(one)]
    by_label = [
        str(one).replace(NAMESPACE_LABELS_PREFIX, "")
        for one in requirements
        if is_of_namespace_labels(one)
    ]
    listed = [one for one in by_name if one.operator is Operator.IN]
    left_out = [v for one in by_name if one.operator is Operator.NOT_IN for v in one.values]
    if listed:
        names = ["its own Namespace" if v == OWN else f"Namespace {v}" for v in listed[0].values]
        place = join(names)
    elif by_label:
        place = f"Namespaces {', '.join(by_label)}"
    else:
        place = "every Namespace"
    if left_out:
        place += f" but {join(['its own' if v == OWN else v for v in left_out])}"
    return place
