"""Builds the policies of namespaces and shared resources, as dictionaries."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from bench.peers.plain_kopf.intent import (
    COMPONENT,
    DOMAIN,
    GATEWAYS,
    MANAGED_BY,
    PROFILE,
    PROFILES,
    RESOURCES,
    TARGETS,
    Intent,
)

Json = dict[str, Any]

POD_NAMESPACE = "k8s:io.kubernetes.pod.namespace"
_GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name"


class Key(NamedTuple):
    """Which policy; the namespace of a clusterwide one is empty."""

    namespace: str
    name: str


class Policy(NamedTuple):
    """A policy as it should stand."""

    key: Key
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    body: Json
    fingerprint: str


def make_policy(
    key: Key,
    component: str,
    body: Json,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Policy:
    """Puts name, labels and annotations on a body: `spec` or `specs`."""
    labels = {**MANAGED_BY, COMPONENT: component, **(labels or {})}
    return Policy(key, labels, annotations or {}, body, fingerprint(body))


def fingerprint(manifest: Mapping[str, Any]) -> str:
    """Equal for policies of equal rules; a text takes less memory than what it was made of."""
    return json.dumps([manifest.get("spec"), manifest.get("specs")], sort_keys=True)


def namespace_policies(namespace: str, wanted: Intent) -> Iterator[Policy]:
    """Those of one namespace, the hatch first: it must not wait for the others."""
    if wanted.hatch:
        said = "Escape hatch: enforcement is disabled in this namespace."
        spec = everything(said, {})
        yield make_policy(Key(namespace, "homelab-escape-hatch"), "hatch", {"spec": spec})
    if wanted.profile:
        yield _profile(namespace, wanted.profile)
    for resource in sorted(wanted.grants):
        yield _access(namespace, resource)


def target_key(name: str) -> Key:
    """The policy beside a shared resource or a gateway."""
    purpose = "callers" if name in GATEWAYS else "grant"
    return Key(TARGETS[name], f"homelab-{purpose}-{name}")


def target_policy(name: str, consumers: Sequence[str]) -> Policy:
    """The policy beside a shared resource or a gateway, which lets its consumers in."""
    if name in GATEWAYS:
        own = {"matchLabels": {f"k8s:{_GATEWAY_NAME}": name}}
        said = f"Namespaces with access to the gateway {name} from inside."
        spec = _letting_in(said, own, consumers, GATEWAYS[name].ports)
        return make_policy(target_key(name), "grant", {"specs": [spec]})
    said = f"Namespaces with access to the shared resource {name}."
    spec = _letting_in(said, {"matchLabels": {}}, consumers, RESOURCES[name].ports)
    labels = {f"{DOMAIN}/resource": name}
    return make_policy(target_key(name), "grant", {"spec": spec}, labels)


def _letting_in(
    description: str, selector: Json, consumers: Sequence[str], ports: Sequence[int]
) -> Json:
    within = {"key": POD_NAMESPACE, "operator": "In", "values": list(consumers)}
    return {
        "description": description,
        "endpointSelector": selector,
        "enableDefaultDeny": additive(),
        "ingress": [{"fromEndpoints": [{"matchExpressions": [within]}], "toPorts": tcp(ports)}],
    }


def additive() -> Json:
    """`enableDefaultDeny` for a policy that only allows."""
    return {"ingress": False, "egress": False}


def everything(description: str, selector: Json) -> Json:
    """Opens all that is selected."""
    return {
        "description": description,
        "endpointSelector": selector,
        "enableDefaultDeny": additive(),
        "ingress": [{"fromEntities": ["all"]}],
        "egress": [{"toEntities": ["all"]}],
    }


def tcp(ports: Iterable[int]) -> list[Json]:
    """TCP ports; Cilium takes 0 for all of them."""
    return [{"ports": [{"port": str(port), "protocol": "TCP"} for port in ports]}]


def pods(namespace: str, labels: Mapping[str, str] | None = None) -> list[Json]:
    """Pods of a namespace, by their labels."""
    own = {f"k8s:{key}": value for key, value in (labels or {}).items()}
    return [{"matchLabels": {POD_NAMESPACE: namespace, **own}}]


def from_probes() -> list[Json]:
    """Health probes, on any port."""
    return [
        {"fromEntities": ["health"]},
        {"fromCIDR": ["169.254.0.0/16", "fd16:9254:7127:1337:ffff::/80"]},
    ]


def to_dns() -> Json:
    """The cluster's DNS."""
    ports = [{"port": "53", "protocol": protocol} for protocol in ("UDP", "TCP")]
    return {
        "toEndpoints": pods("kube-system", {"k8s-app": "kube-dns"}),
        "toPorts": [{"ports": ports}],
    }


def _from_gateway(name: str) -> Json:
    labels = {_GATEWAY_NAME: name}
    return {"fromEndpoints": pods("istio-gateway", labels), "toPorts": tcp([0])}


def _profile(namespace: str, name: str) -> Policy:
    profile = PROFILES[name]
    ingress = [*from_probes(), *map(_from_gateway, profile.gateways)]
    egress = [to_dns()]
    if profile.https:
        egress.append({"toEntities": ["world"], "toPorts": tcp([443])})
    if profile.intra_namespace:
        ingress.append({"fromEndpoints": [{}]})
        egress.append({"toEndpoints": [{}]})
    spec = {
        "description": f"Profile {name}: {profile.summary}.",
        "endpointSelector": {},
        "ingress": ingress,
        "egress": egress,
    }
    intra = "allow" if profile.intra_namespace else "deny"
    labels = {PROFILE: name, f"{DOMAIN}/intra-namespace": intra}
    notes = {f"{DOMAIN}/gateway-ports": "any", f"{DOMAIN}/internet-ports": "default"}
    key = Key(namespace, "homelab-profile")
    return make_policy(key, "profile", {"spec": spec}, labels, notes)


def _access(namespace: str, name: str) -> Policy:
    resource = RESOURCES[name]
    if resource.namespace:
        rule: Json = {"toEndpoints": pods(resource.namespace)}
    else:
        rule = {"toEntities": [resource.entity]}
    spec = {
        "description": f"Access to the shared resource {name}.",
        "endpointSelector": {},
        "enableDefaultDeny": additive(),
        "egress": [{**rule, "toPorts": tcp(resource.ports)}],
    }
    key = Key(namespace, f"homelab-access-{name}")
    return make_policy(key, "access", {"spec": spec}, {f"{DOMAIN}/resource": name})
