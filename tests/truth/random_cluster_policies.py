"""Random ClusterNetworkPolicies: both tiers, every action and sort of peer."""

from __future__ import annotations

from random import Random
from typing import Any

Json = dict[str, Any]

_NAMESPACES = ("shop", "database", "monitoring")
_PORTS = (53, 80, 443, 5432, 8080, 15008)
_CIDRS = ("169.254.0.0/16", "203.0.113.0/24", "0.0.0.0/0", "10.0.0.0/8", "2001:db8::/32")


def cluster_policy(random: Random, name: str) -> Json:
    """A ClusterNetworkPolicy as its CRD admits it."""
    spec: Json = {
        "tier": random.choice(["Admin", "Admin", "Baseline"]),
        # Few, so that two often have the same.
        "priority": random.choice([0, 1, 10, 11]),
        "subject": _pods(random) if random.random() < 0.4 else _namespaces(random),
    }
    for section, way in (("ingress", "from"), ("egress", "to")):
        if random.random() < 0.7:
            spec[section] = [_rule(random, way) for _ in range(random.randint(1, 3))]
    return {
        "apiVersion": "policy.networking.k8s.io/v1alpha2",
        "kind": "ClusterNetworkPolicy",
        "metadata": {"name": name, "uid": name},
        "spec": spec,
    }


def _rule(random: Random, way: str) -> Json:
    action = random.choice(["Accept", "Deny", "Pass"])
    peers = [_peer(random, way, action) for _ in range(random.randint(1, 2))]
    rule: Json = {"action": action, way: peers}
    if random.random() < 0.6:
        rule["protocols"] = [_protocol(random) for _ in range(random.randint(1, 2))]
    return rule


def _peer(random: Random, way: str, action: str) -> Json:
    kinds = ["pods", "pods", "namespaces", "namespaces"]
    if way == "to":
        kinds += ["networks"]
        if random.random() < 0.02:
            kinds = ["nodes"]
        elif action == "Accept" and random.random() < 0.1:
            kinds = ["domainNames"]
    match random.choice(kinds):
        case "pods":
            return _pods(random)
        case "namespaces":
            return _namespaces(random)
        case "networks":
            return {"networks": random.sample(_CIDRS, random.randint(1, 2))}
        case "nodes":
            return {"nodes": {}}
        case _:
            return {"domainNames": ["example.org", "*.example.com"]}


def _pods(random: Random) -> Json:
    of_namespaces = _selector(random, _NAMESPACE_LABELS)
    return {
        "pods": {"namespaceSelector": of_namespaces, "podSelector": _selector(random, _POD_LABELS)}
    }


def _namespaces(random: Random) -> Json:
    return {"namespaces": _selector(random, _NAMESPACE_LABELS)}


_NAMESPACE_LABELS: dict[str, tuple[str, ...]] = {
    "team": ("data", "web"),
    "tier": ("front", "back"),
    "kubernetes.io/metadata.name": _NAMESPACES,
}
_POD_LABELS: dict[str, tuple[str, ...]] = {"app": ("web", "db"), "role": ("web", "job")}


def _selector(random: Random, labels: dict[str, tuple[str, ...]]) -> Json:
    if random.random() < 0.35:
        return {}
    key = random.choice(list(labels))
    values = list(labels[key])
    if random.random() < 0.6:
        return {"matchLabels": {key: random.choice(values)}}
    operator = random.choice(["In", "NotIn", "Exists", "DoesNotExist"])
    expression: dict[str, Any] = {"key": key, "operator": operator}
    if operator in ("In", "NotIn"):
        expression["values"] = random.sample(values, random.randint(1, 2))
    return {"matchExpressions": [expression]}


def _protocol(random: Random) -> Json:
    if random.random() < 0.05:
        return {"destinationNamedPort": "metrics"}
    port: Json = {"number": random.choice(_PORTS)}
    if random.random() < 0.2:
        port = {"range": {"start": 80, "end": random.choice([443, 9000])}}
    given: Json = {} if random.random() < 0.1 else {"destinationPort": port}
    return {random.choice(["tcp", "tcp", "udp", "sctp"]): given}
