"""A custom profile's policy: the rules of its template, and its own beside them.

Cilium's words stay as they were written. What is added is what they need to work: the DNS rule that
`toFQDNs` lives on, and in a mesh the tunnel's port to the same peers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from homelab_netpol.intent import Operator, Requirement
from homelab_netpol.settings import DnsService, Mesh

NAMESPACE_KEY = "io.kubernetes.pod.namespace"
NAMESPACE_LABELS_PREFIX = "io.cilium.k8s.namespace.labels."

Rule = Mapping[str, Any]

_PEERS = {"ingress": ("fromEndpoints", "fromEntities"), "egress": ("toEndpoints", "toEntities")}
# Entities that stand for pods of the cluster.
EVERYBODY = frozenset({"all", "cluster"})


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
    added = {"ingress": list(ingress), "egress": list(egress)}
    if "spec" in base and base["spec"].get("endpointSelector") == {}:
        spec = dict(base["spec"])
        for direction, rules in added.items():
            if rules:
                spec[direction] = [*(spec.get(direction) or ()), *rules]
        return {"spec": spec}
    own = {direction: rules for direction, rules in added.items() if rules}
    specs = base.get("specs") or [base["spec"]]
    return {"specs": [*specs, {"endpointSelector": {}, **own}]} if own else {"specs": list(specs)}


def names_need_dns(egress: Sequence[Rule]) -> bool:
    """Some rule speaks of DNS names, which Cilium learns from the answers to lookups."""
    return any(rule.get("toFQDNs") for rule in egress)


def dns_for_names(dns: DnsService) -> Rule:
    """Egress to DNS through Cilium's proxy, which reads the answers there."""
    labels = {f"k8s:{NAMESPACE_KEY}": dns.namespace}
    labels |= {f"k8s:{key}": value for key, value in dns.labels.items()}
    ports = [{"port": str(port.port), "protocol": port.protocol.value} for port in dns.ports]
    return {
        "toEndpoints": [{"matchLabels": labels}],
        "toPorts": [{"ports": ports, "rules": {"dns": [{"matchPattern": "*"}]}}],
    }


def through_tunnel(rules: Sequence[Rule], direction: str, mesh: Mesh) -> list[Rule]:
    """The tunnel's port for the peers in the mesh that rules open TCP ports for.

    An HTTP rule gets none: inside the tunnel nobody could hold the peer to it.
    """
    endpoints, entities = _PEERS[direction]
    found: list[Rule] = []
    ports = [{"ports": [{"port": str(mesh.port), "protocol": "TCP"}]}]
    in_mesh = {f"k8s:{NAMESPACE_LABELS_PREFIX}{mesh.label}": mesh.value}
    for rule in rules:
        if not _opens_tcp_ports(rule):
            continue
        selectors = [_within_mesh(selector, in_mesh) for selector in rule.get(endpoints) or ()]
        if EVERYBODY & set(rule.get(entities) or ()):
            selectors.append({"matchLabels": dict(in_mesh)})
        if selectors:
            found.append({endpoints: selectors, "toPorts": ports})
    return found


def opens_tcp(rule: Rule) -> bool:
    """TCP connections come through without a look at their requests, on some ports or on all."""
    if rule.get("toPorts"):
        return _opens_tcp_ports(rule)
    return not rule.get("icmps")


def _opens_tcp_ports(rule: Rule) -> bool:
    """It lists ports, TCP among them; without a list the tunnel's port is open anyway."""
    return any(
        port.get("protocol", "ANY") in ("TCP", "ANY")
        for item in rule.get("toPorts") or ()
        if not item.get("rules")
        for port in item.get("ports") or ()
    )


def _within_mesh(selector: Mapping[str, Any], in_mesh: Mapping[str, str]) -> dict[str, Any]:
    """Only those in the mesh; a selector that names no namespace means our own, which is."""
    if not any(_is_about_namespace(key) for key in keys_of(selector)):
        return dict(selector)
    labels = {**(selector.get("matchLabels") or {}), **in_mesh}
    return {**selector, "matchLabels": labels}


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a selector of peers selects pods of another namespace that have just these labels."""
    if NAMESPACE_KEY not in set(keys_of(selector)):
        return False
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(without_source(key)) != value:
            return False
    for expression in selector.get("matchExpressions") or ():
        key = without_source(expression["key"])
        operator, values = Operator(expression["operator"]), expression.get("values") or ()
        if not Requirement(key, operator, tuple(values)).holds(labels):
            return False
    return True


def keys_of(selector: Mapping[str, Any]) -> Iterator[str]:
    """The label keys that a selector looks at, without their source (`k8s:`, `any:`)."""
    for key in selector.get("matchLabels") or {}:
        yield without_source(key)
    for expression in selector.get("matchExpressions") or ():
        yield without_source(expression["key"])


def _is_about_namespace(key: str) -> bool:
    return key == NAMESPACE_KEY or key.startswith(NAMESPACE_LABELS_PREFIX)


def without_source(key: str) -> str:
    """A label key as Kubernetes has it, without Cilium's source in front."""
    source, colon, rest = key.partition(":")
    return rest if colon and source in ("k8s", "any") else key
