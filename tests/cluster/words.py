"""Says in words what a policy allows, so that tests can expect it in the mission's terms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.cluster.kube import Manifest

_NAMESPACE = "k8s:io.kubernetes.pod.namespace"

DNS = "pods of kube-system with k8s-app=kube-dns on UDP/53 TCP/53"
HTTPS = "entity world on TCP/443"
INTERNAL_GATEWAY = (
    "pods of istio-gateway with gateway.networking.k8s.io/gateway-name=internal on TCP/any"
)
EXTERNAL_GATEWAY = (
    "pods of istio-gateway with gateway.networking.k8s.io/gateway-name=external on TCP/any"
)
OWN_NAMESPACE = "pods of the same namespace on any port"
PROBES = frozenset(
    {
        "entity health on any port",
        "network 169.254.0.0/16 on any port",
        "network fd16:9254:7127:1337:ffff::/80 on any port",
    }
)


def allowed(policy: Manifest, direction: str) -> set[str]:
    """What a policy allows in one direction, `ingress` or `egress`: one phrase a peer."""
    side = "from" if direction == "ingress" else "to"
    return {
        f"{peer} on {_ports(rule)}"
        for rule in policy["spec"].get(direction) or []
        for peer in _peers(rule, side)
    }


def gateway(which: str, *ports: int) -> str:
    """The phrase for a gateway that may reach only some ports."""
    numbers = " ".join(f"TCP/{port}" for port in ports)
    return f"pods of istio-gateway with gateway.networking.k8s.io/gateway-name={which} on {numbers}"


def consumers(policy: Manifest | None) -> list[str]:
    """The namespaces that the resource's side of a grant lets in, on the resource's port."""
    if policy is None:
        return []
    rule_sets = policy.get("specs") or [policy["spec"]]
    for rule in [rule for each in rule_sets for rule in each.get("ingress") or []]:
        for peer in rule.get("fromEndpoints") or []:
            for expression in peer.get("matchExpressions") or []:
                if expression["key"] == _NAMESPACE and expression["operator"] == "In":
                    names: list[str] = expression["values"]
                    return names
    return []


def _peers(rule: Mapping[str, Any], side: str) -> list[str]:
    peers = [f"entity {name}" for name in rule.get(f"{side}Entities") or []]
    peers += [f"network {cidr}" for cidr in rule.get(f"{side}CIDR") or []]
    peers += [_pods(selector) for selector in rule.get(f"{side}Endpoints") or []]
    return peers


def _pods(selector: Mapping[str, Any]) -> str:
    labels = dict(selector.get("matchLabels") or {})
    if not selector:
        return "pods of the same namespace"
    words = f"pods of {labels.pop(_NAMESPACE, '?')}"
    given = " ".join(f"{key.removeprefix('k8s:')}={value}" for key, value in labels.items())
    return f"{words} with {given}" if given else words


def _ports(rule: Mapping[str, Any]) -> str:
    ports = [item for entry in rule.get("toPorts") or [] for item in entry["ports"]]
    if not ports:
        return "any port"
    return " ".join(f"{item['protocol']}/{_number(item)}" for item in ports)


def _number(item: Mapping[str, Any]) -> str:
    if item["port"] == "0":
        return "any"
    return f"{item['port']}-{item['endPort']}" if item.get("endPort") else str(item["port"])
