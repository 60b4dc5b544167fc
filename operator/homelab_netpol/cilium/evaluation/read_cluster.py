"""Reads the `spec` of a ClusterNetworkPolicy of policy.networking.k8s.io, as Cilium does. Pure.

What each field means is Cilium's own reading (`ParseClusterNetworkPolicy` in its package k8s, 1.20,
v1alpha2); the tests compare with its engine. An agent takes these policies only if it runs with
`enable-k8s-cluster-network-policy`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from homelab_netpol.cilium import terms
from homelab_netpol.cilium.evaluation import strict
from homelab_netpol.cilium.evaluation.answer import Doubt
from homelab_netpol.cilium.evaluation.matchers import (
    EVERY_PEER,
    Cidr,
    DnsNames,
    Matcher,
    Unclear,
    select,
)
from homelab_netpol.cilium.evaluation.policy import Direction, PortSpan, Rule, Tier, Unreadable
from homelab_netpol.cilium.selectors import Operator, Requirement

_TIERS = {"Admin": Tier.ADMIN, "Baseline": Tier.BASELINE}
_ACTIONS = ("Accept", "Deny", "Pass")
_PEERS = {
    Direction.INGRESS: ("namespaces", "pods"),
    Direction.EGRESS: ("namespaces", "pods", "nodes", "networks", "domainNames"),
}
# More than one policy has rules, so that no rule of one policy reaches the next priority.
_RULES_OF_A_PRIORITY = 100
# Where Cilium lets a pod look up the names that a rule names.
_DNS_PODS = select([Requirement(terms.SOURCE_ANY, "k8s-app", Operator.IN, ("kube-dns",))])
_DNS_PORTS = ("dns", "dns-tcp")


def read_spec(spec: Any) -> list[Rule]:
    """The rules of a spec.

    Raises:
        Unreadable: it holds what is not understood here, or what Cilium does not take.
    """
    fields = strict.mapping(spec, ("tier", "priority", "subject", "ingress", "egress"))
    tier = _TIERS[strict.word(fields.get("tier"), _TIERS)]
    subject = _subject(fields.get("subject"))
    priority = strict.port_number(fields.get("priority")) * _RULES_OF_A_PRIORITY
    return [
        one
        for direction in Direction
        for number, rule in enumerate(strict.items(fields.get(direction.value)))
        for one in _rules(
            rule,
            direction,
            subject,
            tier,
            priority + number,
            f"spec.{direction.value}[{number}]",
        )
    ]


def _subject(given: Any) -> Matcher:
    fields = strict.mapping(given, ("namespaces", "pods"))
    if len(fields) != 1:
        raise Unreadable
    [(kind, selector)] = fields.items()
    return select(_of_pods(selector) if kind == "pods" else _of_namespaces(selector))


def _rules(
    rule: Any, direction: Direction, subject: Matcher, tier: Tier, priority: int, place: str
) -> list[Rule]:
    way = "from" if direction is Direction.INGRESS else "to"
    fields = strict.mapping(rule, ("name", "action", way, "protocols"))
    action = strict.word(fields.get("action"), _ACTIONS)
    deny, passes = action == "Deny", action == "Pass"
    given = strict.items(fields.get(way))
    peers: list[Matcher] = [] if given else [EVERY_PEER]
    names: list[str] = []
    for one in given:
        parts = strict.mapping(one, _PEERS[direction])
        if len(parts) != 1:
            raise Unreadable
        [(kind, value)] = parts.items()
        if kind == "domainNames":
            if action != "Accept":
                raise Unreadable
            names += [name for name in strict.items(value) if isinstance(name, str)]
        peers += _peers(kind, value)
    ports = tuple(_span(one) for one in strict.items(fields.get("protocols"))) or None
    whole = Rule(
        direction,
        subject,
        tuple(peers),
        ports,
        deny=deny,
        passes=passes,
        default_deny=False,
        tier=tier,
        priority=priority,
        place=place,
    )
    if not names:
        return [whole]
    look_up = Rule(
        direction,
        subject,
        (_DNS_PODS,),
        _look_ups(names),
        default_deny=False,
        tier=tier,
        priority=priority,
        place=place,
    )
    return [whole, look_up]


def _look_ups(names: Iterable[str]) -> tuple[PortSpan, ...]:
    requests = tuple(f"DNS {name}" for name in names)
    protocols = frozenset(terms.TRANSPORT_PROTOCOLS)
    return tuple(
        PortSpan(0, terms.LAST_PORT, protocols, True, Doubt.NAMED_PORT, port, requests)
        for port in _DNS_PORTS
    )


def _peers(kind: str, value: Any) -> list[Matcher]:
    match kind:
        case "pods":
            return [select(_of_pods(value), pods_only=True)]
        case "namespaces":
            # Without the cluster's name, which Cilium adds to `pods`: what has no labels of
            # namespaces, such as the world, meets a NotIn.
            found = _of_namespaces(value)
            if all(one.operator.is_negative for one in found):
                return [Unclear(Doubt.AGGREGATE)]
            return [select(found)]
        case "networks":
            return [Cidr(strict.network(one)) for one in strict.items(value)]
        case "domainNames":
            return [DnsNames(tuple(_name(one) for one in strict.items(value)))]
        case _:
            raise Unreadable(Doubt.NODES)


def _of_pods(value: Any) -> list[Requirement]:
    fields = strict.mapping(value, ("namespaceSelector", "podSelector"))
    pods = strict.requirements(strict.optional(fields.get("podSelector")), terms.SOURCE_K8S)
    return [*_of_namespaces(strict.optional(fields.get("namespaceSelector"))), *pods]


def _of_namespaces(value: Any) -> list[Requirement]:
    found = [
        Requirement(
            terms.SOURCE_K8S, terms.NAMESPACE_LABELS_PREFIX + one.key, one.operator, one.values
        )
        for one in strict.requirements(value, terms.SOURCE_K8S)
    ]
    return found or [Requirement(terms.SOURCE_K8S, terms.NAMESPACE_KEY, Operator.EXISTS)]


def _name(value: Any) -> str:
    if not isinstance(value, str):
        raise Unreadable
    # The wildcard stands for any number of labels here; Cilium writes that as two.
    return f"*{value}" if value.startswith("*.") else value


def _span(value: Any) -> PortSpan:
    fields = strict.mapping(value, ("tcp", "udp", "sctp", "destinationNamedPort"))
    if len(fields) != 1:
        raise Unreadable
    [(kind, given)] = fields.items()
    if kind == "destinationNamedPort":
        protocols = frozenset(terms.TRANSPORT_PROTOCOLS)
        return PortSpan(0, terms.LAST_PORT, protocols, doubt=Doubt.NAMED_PORT, name=str(given))
    port = strict.mapping(given, ("destinationPort",)).get("destinationPort")
    parts = strict.mapping(strict.optional(port), ("number", "range"))
    if parts.get("range") is not None:
        ends = strict.mapping(parts["range"], ("start", "end"))
        first, last = strict.port_number(ends.get("start")), strict.port_number(ends.get("end"))
    else:
        first = last = strict.port_number(parts.get("number"))
    if first > last:
        raise Unreadable
    return PortSpan(first, last or terms.LAST_PORT, frozenset({kind.upper()}))
