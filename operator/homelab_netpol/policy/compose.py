"""A custom profile's policy: the rules of its template, and its own beside them.

Cilium's words stay as they were written. What is added is what they need to work: the DNS rule that
`toFQDNs` lives on, and in a mesh the tunnel's port to the same peers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from homelab_netpol.cilium.selectors import read_selector
from homelab_netpol.cilium.terms import (
    ANY_PROTOCOL,
    NAMESPACE_LABELS_PREFIX,
    POD_ENTITIES,
    SOURCE_K8S,
)
from homelab_netpol.policy.peers import peer_rules
from homelab_netpol.settings import Dns, Mesh

Rule = Mapping[str, Any]

_PEERS = {"ingress": ("fromEndpoints", "fromEntities"), "egress": ("toEndpoints", "toEntities")}


def compose(
    base: Mapping[str, Any], ingress: Sequence[Rule], egress: Sequence[Rule]
) -> dict[str, Any]:
    """Adds rules to a policy's body.

    Args:
        base: `{"spec": ...}` or `{"specs": [...]}`.
        ingress: rules to add.
        egress: likewise.

    Returns:
        A body in which the rules are part of the first rule set that is for all pods.
    """
    added = {d: rules for d, rules in (("ingress", ingress), ("egress", egress)) if rules}
    if "spec" in base and base["spec"].get("endpointSelector") == {}:
        spec = base["spec"]
        joined = {d: [*(spec.get(d) or ()), *rules] for d, rules in added.items()}
        return {"spec": {**spec, **joined}}
    specs = base.get("specs") or [base["spec"]]
    own = [{"endpointSelector": {}, **{d: list(rules) for d, rules in added.items()}}]
    return {"specs": [*specs, *(own if added else ())]}


def names_need_dns(egress: Sequence[Rule]) -> bool:
    """Some rule speaks of DNS names, which Cilium learns from the answers to lookups."""
    return any(rule.get("toFQDNs") for rule in egress)


def dns_for_names(dns: Dns) -> list[dict[str, Any]]:
    """Egress to DNS through Cilium's proxy, which reads the answers there."""
    ports = [{"port": str(port.port), "protocol": port.protocol.value} for port in dns.ports]
    proxied = [{"ports": ports, "rules": {"dns": [{"matchPattern": "*"}]}}]
    return peer_rules("to", dns.servers, proxied)


def through_tunnel(rules: Sequence[Rule], direction: str, mesh: Mesh) -> list[Rule]:
    """The tunnel's port for the peers in the mesh that rules open TCP ports for.

    An HTTP rule gets none: Cilium cannot see requests inside the tunnel.
    """
    endpoints, entities = _PEERS[direction]
    found: list[Rule] = []
    ports = [{"ports": [{"port": str(mesh.port), "protocol": "TCP"}]}]
    in_mesh = {f"{SOURCE_K8S}:{NAMESPACE_LABELS_PREFIX}{mesh.label}": mesh.value}
    for rule in rules:
        # Without a list of ports, the tunnel's is open anyway.
        if not plain_tcp_ports(rule):
            continue
        selectors = [_within_mesh(selector, in_mesh) for selector in rule.get(endpoints) or ()]
        if POD_ENTITIES & set(rule.get(entities) or ()):
            selectors.append({"matchLabels": dict(in_mesh)})
        if selectors:
            found.append({endpoints: selectors, "toPorts": ports})
    return found


def opens_tcp(rule: Rule) -> bool:
    """TCP connections come through without a look at their requests, on some ports or on all."""
    return bool(plain_tcp_ports(rule)) if rule.get("toPorts") else not rule.get("icmps")


def plain_tcp_ports(rule: Rule) -> list[Mapping[str, Any]]:
    """The TCP ports that a rule lists, but for those on which it looks at requests."""
    return [
        port
        for item in rule.get("toPorts") or ()
        if not item.get("rules")
        for port in item.get("ports") or ()
        if port.get("protocol", ANY_PROTOCOL) in ("TCP", ANY_PROTOCOL)
    ]


def _within_mesh(selector: Mapping[str, Any], in_mesh: Mapping[str, str]) -> dict[str, Any]:
    """Only those in the mesh; a selector without a namespace means the policy's own, which is."""
    if not any(one.is_of_namespace for one in read_selector(selector).requirements):
        return dict(selector)
    labels = {**(selector.get("matchLabels") or {}), **in_mesh}
    return {**selector, "matchLabels": labels}
