"""Reads the `spec` of a NetworkPolicy of networking.k8s.io, as Cilium understands it. Pure."""

from __future__ import annotations

from typing import Any

from homelab_netpol.cilium import terms
from homelab_netpol.cilium.evaluation import strict
from homelab_netpol.cilium.evaluation.answer import Doubt
from homelab_netpol.cilium.evaluation.matchers import EVERY_PEER, Cidr, Matcher, select
from homelab_netpol.cilium.evaluation.policy import Direction, PortSpan, Rule, Unreadable
from homelab_netpol.cilium.selectors import Operator, Requirement


def read_spec(spec: Any, namespace: str) -> list[Rule]:
    """The rules of a NetworkPolicy's spec.

    Cilium applies the rules of a direction even if `policyTypes` leaves it out.

    Raises:
        Unreadable: it holds what is not understood here.
    """
    fields = strict.mapping(spec, ("podSelector", "policyTypes", "ingress", "egress"))
    own = Requirement(terms.SOURCE_K8S, terms.NAMESPACE_KEY, Operator.IN, (namespace,))
    selector = strict.requirements(strict.optional(fields.get("podSelector")), terms.SOURCE_K8S)
    subject = select([*selector, own])
    types = strict.items(fields.get("policyTypes"))
    rules: list[Rule] = []
    for direction, way, is_closed in (
        (Direction.INGRESS, "from", "Ingress" in types or "Egress" not in types),
        (Direction.EGRESS, "to", "Egress" in types),
    ):
        given = strict.items(fields.get(direction.value))
        if not given and is_closed:
            place = "spec.policyTypes" if types else "spec"
            rules.append(Rule(direction, subject, peers=(), place=place))
        for number, rule in enumerate(given):
            parts = strict.mapping(rule, (way, "ports"))
            peers = tuple(_peer(peer, own) for peer in strict.items(parts.get(way))) or (
                EVERY_PEER,
            )
            spans = tuple(_span(port) for port in strict.items(parts.get("ports"))) or None
            place = f"spec.{direction.value}[{number}]"
            rules.append(Rule(direction, subject, peers, spans, place=place))
    return rules


def _peer(peer: Any, own_namespace: Requirement) -> Matcher:
    fields = strict.mapping(peer, ("podSelector", "namespaceSelector", "ipBlock"))
    if fields.get("ipBlock") is not None:
        block = strict.mapping(fields["ipBlock"], ("cidr", "except"))
        exceptions = tuple(strict.network(one) for one in strict.items(block.get("except")))
        return Cidr(strict.network(block.get("cidr")), exceptions)
    pods = strict.requirements(strict.optional(fields.get("podSelector")), terms.SOURCE_K8S)
    if fields.get("namespaceSelector") is None:
        return select([*pods, own_namespace], pods_only=True)
    of_namespaces = [
        Requirement(
            terms.SOURCE_K8S, terms.NAMESPACE_LABELS_PREFIX + one.key, one.operator, one.values
        )
        for one in strict.requirements(fields["namespaceSelector"], terms.SOURCE_K8S)
    ]
    return select([*of_namespaces, *pods], pods_only=True)


def _span(port: Any) -> PortSpan:
    fields = strict.mapping(port, ("port", "endPort", "protocol"))
    port_or_name, end = fields.get("port"), strict.port_number(fields.get("endPort"))
    protocols = frozenset({strict.word(fields.get("protocol", "TCP"), terms.TRANSPORT_PROTOCOLS)})
    if port_or_name is None:
        return PortSpan(0, terms.LAST_PORT, protocols, doubt=Doubt.ODD_PORT if end else None)
    if isinstance(port_or_name, str):
        odd = Doubt.ODD_PORT if end else Doubt.NAMED_PORT
        return PortSpan(0, terms.LAST_PORT, protocols, doubt=odd, name=port_or_name)
    first = strict.port_number(port_or_name)
    if not first:
        raise Unreadable
    return PortSpan(first, max(first, end), protocols)
