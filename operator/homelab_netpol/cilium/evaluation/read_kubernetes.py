"""Reads the `spec` of a NetworkPolicy of networking.k8s.io, as Cilium understands it. Pure."""

from __future__ import annotations

from typing import Any

from homelab_netpol.cilium.evaluation.answer import Doubt
from homelab_netpol.cilium.evaluation.fields import (
    items,
    mapping,
    network,
    optional,
    port_number,
    requirements,
    word,
)
from homelab_netpol.cilium.evaluation.matchers import ANYBODY, Cidr, Matcher, select
from homelab_netpol.cilium.evaluation.policy import Direction, PortSpan, Rule, Unreadable
from homelab_netpol.cilium.selectors import Operator, Requirement
from homelab_netpol.cilium.terms import (
    LAST_PORT,
    NAMESPACE_KEY,
    NAMESPACE_LABELS_PREFIX,
    SOURCE_K8S,
    TRANSPORT_PROTOCOLS,
)


def read_spec(spec: Any, namespace: str) -> list[Rule]:
    """The rules of a NetworkPolicy's spec.

    Cilium applies the rules of a direction even if `policyTypes` leaves it out.

    Raises:
        Unreadable: it holds what is not understood here.
    """
    fields = mapping(spec, ("podSelector", "policyTypes", "ingress", "egress"))
    own = Requirement(SOURCE_K8S, NAMESPACE_KEY, Operator.IN, (namespace,))
    selector = requirements(optional(fields.get("podSelector")), SOURCE_K8S)
    subject = select([*selector, own])
    types = items(fields.get("policyTypes"))
    rules: list[Rule] = []
    for direction, way, is_closed in (
        (Direction.INGRESS, "from", "Ingress" in types or "Egress" not in types),
        (Direction.EGRESS, "to", "Egress" in types),
    ):
        given = items(fields.get(direction.value))
        if not given and is_closed:
            rules.append(Rule(direction, subject, peers=()))
        for rule in given:
            parts = mapping(rule, (way, "ports"))
            peers = tuple(_peer(peer, own) for peer in items(parts.get(way))) or (ANYBODY,)
            spans = tuple(_span(port) for port in items(parts.get("ports"))) or None
            rules.append(Rule(direction, subject, peers, spans))
    return rules


def _peer(peer: Any, own_namespace: Requirement) -> Matcher:
    fields = mapping(peer, ("podSelector", "namespaceSelector", "ipBlock"))
    if fields.get("ipBlock") is not None:
        block = mapping(fields["ipBlock"], ("cidr", "except"))
        exceptions = tuple(network(one) for one in items(block.get("except")))
        return Cidr(network(block.get("cidr")), exceptions)
    pods = requirements(optional(fields.get("podSelector")), SOURCE_K8S)
    if fields.get("namespaceSelector") is None:
        return select([*pods, own_namespace], pods_only=True)
    of_namespaces = [
        Requirement(SOURCE_K8S, NAMESPACE_LABELS_PREFIX + one.key, one.operator, one.values)
        for one in requirements(fields["namespaceSelector"], SOURCE_K8S)
    ]
    return select([*of_namespaces, *pods], pods_only=True)


def _span(port: Any) -> PortSpan:
    fields = mapping(port, ("port", "endPort", "protocol"))
    port_or_name, end = fields.get("port"), port_number(fields.get("endPort"))
    protocols = frozenset({word(fields.get("protocol", "TCP"), TRANSPORT_PROTOCOLS)})
    if port_or_name is None:
        return PortSpan(0, LAST_PORT, protocols, doubt=Doubt.ODD_PORT if end else None)
    if isinstance(port_or_name, str):
        return PortSpan(0, LAST_PORT, protocols, doubt=Doubt.NAMED_PORT)
    first = port_number(port_or_name)
    if not first:
        raise Unreadable
    return PortSpan(first, max(first, end), protocols)
