"""Reads the `spec` of a CiliumNetworkPolicy or CiliumClusterwideNetworkPolicy. Pure.

What each field means, and which combinations Cilium rejects, is Cilium's own reading of a policy
(its packages policy/api and k8s/apis/cilium.io, 1.20); the tests compare with its engine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from homelab_netpol.cilium.evaluation.answer import Doubt
from homelab_netpol.cilium.evaluation.endpoint import NAMESPACE_KEY, NAMESPACE_LABELS_PREFIX
from homelab_netpol.cilium.evaluation.fields import (
    anything,
    items,
    mapping,
    network,
    number,
    optional,
    requirements,
    word,
)
from homelab_netpol.cilium.evaluation.matchers import (
    ANYBODY,
    Cidr,
    DnsNames,
    Entities,
    Matcher,
    Requirement,
    Unclear,
    select,
)
from homelab_netpol.cilium.evaluation.policy import LAST_PORT, Direction, PortSpan, Rule, Unreadable
from homelab_netpol.intent import Operator

_SECTIONS = {
    "ingress": (Direction.INGRESS, False),
    "ingressDeny": (Direction.INGRESS, True),
    "egress": (Direction.EGRESS, False),
    "egressDeny": (Direction.EGRESS, True),
}
_SPEC = (
    *("endpointSelector", "nodeSelector", "enableDefaultDeny", "description", "labels", "log"),
    *_SECTIONS,
)
# How to name peers, without the `from` or `to` before it. An empty list of the first ones means
# nobody; an empty list of the others means the same as none at all.
_PEERS = ("Endpoints", "Entities", "CIDR", "CIDRSet", "Nodes")
_OTHER_PEERS = ("Groups", "FQDNs", "Services", "Requires")
_ENTITIES = frozenset(
    {
        *("all", "cluster", "cluster-mesh", "health", "host", "ingress", "init"),
        *("kube-apiserver", "none", "remote-node", "unmanaged"),
        *("world", "world-ipv4", "world-ipv6"),
    }
)
_TRANSPORT = frozenset({"TCP", "UDP", "SCTP"})
_WITHOUT_PORTS = frozenset({"VRRP", "IGMP", "GRE", "IPIP", "IPV6", "ESP", "AH"})
_NUMBER = re.compile(r"0|[1-9][0-9]{0,4}")
_PORT_NAME = re.compile(r"(?=.{1,15}$)(?=.*[A-Za-z])[A-Za-z0-9]+(-[A-Za-z0-9]+)*")
_NEGATIVE = (Operator.NOT_IN, Operator.DOES_NOT_EXIST)
# Everything in an item of toPorts that hands connections to a proxy.
_PROXIED = ("rules", "listener", "terminatingTLS", "originatingTLS", "serverNames")


def read_spec(spec: Any, namespace: str) -> list[Rule]:
    """The rules of one spec.

    Args:
        spec: what stands under `spec`, or one item of `specs`.
        namespace: of the policy; "" for a clusterwide one.

    Raises:
        Unreadable: it holds what is not understood here, or what Cilium rejects.
    """
    fields = mapping(spec, _SPEC)
    if not any(fields.get(section) for section in _SECTIONS):
        raise Unreadable
    if "nodeSelector" in fields:
        if namespace or "endpointSelector" in fields:
            raise Unreadable
        return []  # a policy for nodes: it selects no pod
    selector = _subject(fields.get("endpointSelector"), namespace)
    subject = select(selector)
    for_init = any(one.source == "reserved" and one.key == "init" for one in selector)
    default_deny = mapping(optional(fields.get("enableDefaultDeny")), ("ingress", "egress"))
    if not all(value in (None, True, False) for value in default_deny.values()):
        raise Unreadable
    return [
        _rule(rule, direction, deny, subject, namespace, for_init, default_deny)
        for section, (direction, deny) in _SECTIONS.items()
        for rule in items(fields.get(section))
    ]


def _subject(selector: Any, namespace: str) -> list[Requirement]:
    if not namespace:
        return requirements(selector, "any")
    # A namespaced policy selects in its own namespace: Cilium overwrites this one label.
    fields = mapping(selector, ("matchLabels", "matchExpressions"))
    labels = anything(optional(fields.get("matchLabels")))
    own = {**labels, f"k8s:{NAMESPACE_KEY}": namespace}
    return requirements({**fields, "matchLabels": own}, "any")


def _rule(
    rule: Any,
    direction: Direction,
    deny: bool,
    subject: Matcher,
    namespace: str,
    for_init: bool,
    default_deny: Mapping[str, Any],
) -> Rule:
    way = "from" if direction is Direction.INGRESS else "to"
    known = [way + kind for kind in (*_PEERS, *_OTHER_PEERS)]
    fields = mapping(rule, (*known, "toPorts", "icmps", "authentication"))
    ports = _ports(fields)
    authentication = mapping(optional(fields.get("authentication")), ("mode",))
    return Rule(
        direction=direction,
        subject=subject,
        peers=_peers(fields, way, namespace, for_init, ports is not None),
        ports=ports,
        deny=deny,
        default_deny=default_deny.get(direction.value) is not False,
        authenticated=authentication.get("mode", "disabled") != "disabled",
    )


def _peers(
    fields: Mapping[str, Any], way: str, namespace: str, for_init: bool, has_ports: bool
) -> tuple[Matcher, ...]:
    given = {
        kind: items(fields[way + kind])
        for kind in (*_PEERS, *_OTHER_PEERS)
        if fields.get(way + kind) is not None
    }
    if given.get("Requires"):
        raise Unreadable(Doubt.REQUIRES)
    if given.get("Nodes"):
        raise Unreadable(Doubt.NODES)
    named = [kind for kind, values in given.items() if values]
    if len(named) > 1:
        raise Unreadable
    if any(kind in _PEERS and not values for kind, values in given.items()):
        return ()
    if not named:
        # Without peers a rule is about everybody, but only if it has ports: `- {}` allows nothing.
        return (ANYBODY,) if has_ports else ()
    [kind] = named
    return tuple(_peer(kind, value, namespace, for_init) for value in given[kind])


def _peer(kind: str, value: Any, namespace: str, for_init: bool) -> Matcher:
    match kind:
        case "Endpoints":
            return _endpoints(requirements(value, "any"), namespace, for_init)
        case "Entities":
            return Entities(frozenset({word(value, _ENTITIES)}))
        case "CIDR":
            return Cidr(network(value))
        case "CIDRSet":
            fields = mapping(value, ("cidr", "except", "cidrGroupRef", "cidrGroupSelector"))
            if "cidr" not in fields:
                return Unclear(Doubt.CIDR_GROUP)
            exceptions = tuple(network(one) for one in items(fields.get("except")))
            return Cidr(network(fields["cidr"]), exceptions)
        case "FQDNs":
            mapping(value, ("matchName", "matchPattern"))
            return DnsNames()
        case "Groups":
            return Unclear(Doubt.GROUPS)
        case _:
            return Unclear(Doubt.SERVICES)


def _endpoints(selector: list[Requirement], namespace: str, for_init: bool) -> Matcher:
    if any(one.source == "reserved" for one in selector):
        if all(one.operator in _NEGATIVE for one in selector):
            return Unclear(Doubt.AGGREGATE)
        return select(selector)
    of_pods = [one for one in selector if one.source in ("k8s", "any")]
    says_namespace = any(one.key == NAMESPACE_KEY for one in of_pods)
    says_labels = any(one.key.startswith(NAMESPACE_LABELS_PREFIX) for one in of_pods)
    if not says_namespace and not namespace and not for_init:
        selector = [*selector, Requirement("k8s", NAMESPACE_KEY, Operator.EXISTS)]
    elif not says_namespace and namespace and not says_labels:
        own = Requirement("k8s", NAMESPACE_KEY, Operator.IN, frozenset({namespace}))
        selector = [*selector, own]
    # Cilium adds the cluster's name, which only pods carry.
    return select(selector, pods_only=True)


def _ports(fields: Mapping[str, Any]) -> tuple[PortSpan, ...] | None:
    to_ports, icmps = items(fields.get("toPorts")), items(fields.get("icmps"))
    if to_ports and icmps:
        raise Unreadable
    if icmps:
        return ()  # it is about ICMP, which has no ports
    if not to_ports:
        return None
    spans: list[PortSpan] = []
    for item in to_ports:
        parts = mapping(item, ("ports", *_PROXIED))
        filtered = any(parts.get(key) for key in _PROXIED if key != "rules") or any(
            anything(optional(parts.get("rules"))).values()
        )
        spans += [_span(port, filtered) for port in items(parts.get("ports"))]
    return tuple(spans)


def _span(port: Any, filtered: bool) -> PortSpan:
    parts = mapping(port, ("port", "endPort", "protocol"))
    port_or_name, end = parts.get("port"), number(parts.get("endPort"), LAST_PORT)
    protocol = str(parts.get("protocol") or "ANY").upper()
    if protocol in _WITHOUT_PORTS:
        return PortSpan(0, LAST_PORT, frozenset({protocol}), filtered)
    word(protocol, _TRANSPORT | {"ANY"})
    protocols = _TRANSPORT if protocol == "ANY" else frozenset({protocol})
    if not isinstance(port_or_name, str):
        raise Unreadable
    if not _NUMBER.fullmatch(port_or_name):
        if not _PORT_NAME.fullmatch(port_or_name):
            raise Unreadable
        return PortSpan(0, LAST_PORT, protocols, filtered, Doubt.NAMED_PORT)
    first = int(port_or_name)
    if first > LAST_PORT:
        raise Unreadable
    doubt = Doubt.ODD_PORT if end and not first else None
    return PortSpan(first, max(first, end), protocols, filtered, doubt)
