"""Random clusters of Namespaces that name each other: by name, by what they are not, by labels."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.cilium.agent_config import read_agent_config
from homelab_netpol.cli.inputs import desired_state_of
from homelab_netpol.manifests import ManifestSet, parse_manifests
from homelab_netpol.settings import parse_settings
from tests.explained import namespace, policy

NAMES = ("alfa", "bravo", "charlie", "delta", "echo")
_OF_NAMESPACE = "k8s:io.kubernetes.pod.namespace"
_TIER = "k8s:io.cilium.k8s.namespace.labels.tier"
_TIERS = ("front", "back")
_PROFILES = (None, None, "isolated", "internal", "standard")
_PORTS: tuple[Any, ...] = (
    None,
    [{"port": "80", "protocol": "TCP"}],
    [{"port": "web", "protocol": "TCP"}],
    [{"port": "1", "endPort": 1023, "protocol": "TCP"}, {"port": "53", "protocol": "UDP"}],
)


def crossing_model(chance: Random) -> ClusterModel:
    """A cluster of five Namespaces, of which most have policies by hand."""
    text = "".join(_namespace(chance, name) for name in NAMES)
    manifests = ManifestSet()
    manifests.add(parse_manifests(text.encode(), "crossing.yaml"))
    settings = parse_settings("defaultDeny: labelled")
    return ClusterModel(manifests, desired_state_of(settings, manifests), read_agent_config({}))


def _namespace(chance: Random, name: str) -> str:
    profile = chance.choice(_PROFILES)
    text = namespace(name, profile=profile) if profile else namespace(name)
    made = json.loads(text.removeprefix("---\n"))
    made["metadata"]["labels"]["tier"] = chance.choice(_TIERS)
    policies = [_policy(chance, name, number) for number in range(chance.randint(0, 2))]
    pods = [_pod(name, app, chance) for app in ("web", "job")[: chance.randint(1, 2)]]
    return f"---\n{json.dumps(made)}\n{''.join(policies)}{''.join(pods)}"


def _pod(where: str, app: str, chance: Random) -> str:
    port = {"containerPort": chance.choice((80, 8080)), "name": "web"}
    data = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": app, "namespace": where, "labels": {"app": app}},
        "spec": {"containers": [{"name": "app", "ports": [port]}]},
    }
    return f"---\n{json.dumps(data)}\n"


def _policy(chance: Random, where: str, number: int) -> str:
    spec: dict[str, Any] = {"endpointSelector": {}}
    if chance.random() < 0.3:
        spec["endpointSelector"] = {"matchLabels": {"app": "web"}}
    for section, way in (("ingress", "from"), ("egress", "to")):
        if chance.random() < 0.8:
            spec[section] = [_rule(chance, way) for _ in range(chance.randint(1, 2))]
        if chance.random() < 0.4:
            spec[f"{section}Deny"] = [_rule(chance, way)]
    if chance.random() < 0.3:
        spec["enableDefaultDeny"] = {"ingress": False, "egress": False}
    return policy(where, f"by-hand-{number}", spec)


def _rule(chance: Random, way: str) -> dict[str, Any]:
    names = chance.sample(NAMES, chance.randint(1, 2))
    named = {"key": _OF_NAMESPACE, "values": names}
    peers: dict[str, Any] = chance.choice(
        (
            {f"{way}Entities": ["all"]},
            {f"{way}Entities": ["all"]},
            {f"{way}Entities": ["cluster"]},
            {f"{way}Endpoints": [{"matchExpressions": [{**named, "operator": "In"}]}]},
            {f"{way}Endpoints": [{"matchExpressions": [{**named, "operator": "NotIn"}]}]},
            {f"{way}Endpoints": [{"matchLabels": {_TIER: chance.choice(_TIERS)}}]},
            {
                f"{way}Endpoints": [
                    {"matchLabels": {_OF_NAMESPACE: names[0], "app": chance.choice(("web", "job"))}}
                ]
            },
        )
    )
    ports = chance.choice(_PORTS)
    return {**peers, **({"toPorts": [{"ports": ports}]} if ports else {})}
