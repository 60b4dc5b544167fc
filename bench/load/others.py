"""What others run and write beside the operator: pods, and policies of every kind."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench.load.api import (
    BASELINES,
    NAMESPACES,
    Access,
    Client,
    connect,
    namespace_body,
    policies_of,
    side_by_side,
)
from bench.load.labels import GRANTED
from bench.load.written import profile_of

PODS_EACH = 4
_CLIENTS = 32
_KUBERNETES = "/apis/networking.k8s.io/v1"
_NAMESPACE = "k8s:io.kubernetes.pod.namespace"
_DNS = {"k8s-app": "kube-dns"}
_PROMETHEUS = {"app.kubernetes.io/name": "prometheus"}
_GATEWAY = "gateway.networking.k8s.io/gateway-name"
# As in clusters in use: platform namespaces have some pods, and policies for their own services.
_PLATFORM: Mapping[str, Sequence[Mapping[str, str]]] = {
    "kube-system": [_DNS, *({"app": f"system-{number}"} for number in range(12))],
    "monitoring": [_PROMETHEUS, *({"app": f"monitor-{number}"} for number in range(12))],
    "database": [{"app": "postgres", "number": str(number)} for number in range(12)],
    "istio-gateway": [{_GATEWAY: "internal"}, {_GATEWAY: "external"}],
    "longhorn-system": [{"app": f"volume-{number}"} for number in range(12)],
}
_CLUSTERWIDE = 40
# One in so many namespaces holds a grant.
_GRANT_EACH = 2
# In one in so many a policy of somebody else's widens the profile.
_WIDENING_EACH = 50
_CNP = "CiliumNetworkPolicy"

Json = dict[str, Any]


async def add_others(access: Access, names: Sequence[str]) -> None:
    """Gives each Namespace some pods and a policy of somebody else's, and the cluster the rest.

    So many policies: one for each Namespace, a few for each platform namespace, and some for the
    whole cluster.
    """
    async with connect(access, _CLIENTS) as client:
        listed = await client.list(NAMESPACES, "")
        there = {item["metadata"]["name"] for item in listed["items"]}
        for name in [each for each in _PLATFORM if each not in there]:
            await client.send("POST", NAMESPACES, namespace_body(name, {}))
        for name, pods in _PLATFORM.items():
            for number, labels in enumerate(pods):
                await _create(client, f"{NAMESPACES}/{name}/pods", _pod(f"pod-{number}", labels))
            for policy in _platform_policies(name):
                await _create(client, policies_of(name), policy)
        for number in range(_CLUSTERWIDE):
            await _create(client, BASELINES, _clusterwide(number))

        async def fill(numbered: tuple[int, str]) -> None:
            number, name = numbered
            if number % _GRANT_EACH == 0:
                await client.patch(f"{NAMESPACES}/{name}", {"metadata": {"labels": GRANTED}})
            path, policy = _policy(number, name)
            await _create(client, path, policy)
            for pod in range(PODS_EACH):
                labels = {
                    "app.kubernetes.io/name": f"{name}-{pod}",
                    "app.kubernetes.io/instance": name,
                    "app.kubernetes.io/managed-by": "Helm",
                    "pod-template-hash": f"{number:08x}",
                }
                await _create(client, f"{NAMESPACES}/{name}/pods", _pod(f"pod-{pod}", labels))

        await side_by_side(enumerate(names), fill, _CLIENTS)


async def _create(client: Client, path: str, body: Json) -> None:
    await client.send("POST", path, json.dumps(body).encode())


def _pod(name: str, labels: Mapping[str, str]) -> Json:
    """A pod as a Deployment makes one, of which a list of metadata shows the smaller part."""
    probe = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 10}
    container = {
        "name": "main",
        "image": "example.org/main:1.0",
        "ports": [{"name": "http", "containerPort": 8080}],
        "env": [{"name": f"SETTING_{number}", "value": "some value"} for number in range(8)],
        "livenessProbe": probe,
        "readinessProbe": probe,
    }
    notes = {"checksum/config": "0" * 64, "kubectl.kubernetes.io/default-container": "main"}
    metadata = {"name": name, "labels": dict(labels), "annotations": notes}
    return {"metadata": metadata, "spec": {"containers": [container]}}


def _policy(number: int, namespace: str) -> tuple[str, Json]:
    """For one app, as most policies are: every third one of Kubernetes' own kind.

    Few let more through than the profile does; the others allow what it allows as well.
    """
    selector = {"matchLabels": {"app.kubernetes.io/name": f"{namespace}-0"}}
    if number % _WIDENING_EACH == 0:
        anywhere = [{"toCIDRSet": [{"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}]}]
        return policies_of(namespace), _cilium(_CNP, "app", selector, egress=anywhere)
    # Pods of an isolated namespace do not reach each other.
    of_app = {"matchLabels": {"app.kubernetes.io/instance": namespace}}
    isolated = profile_of(number) == "isolated"
    if number % 3 == 0:
        monitoring = {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}
        scrapers = {"matchLabels": _PROMETHEUS}
        scraper: Json = {"namespaceSelector": monitoring, "podSelector": scrapers}
        peer = scraper if isolated else {"podSelector": of_app}
        rules = [{"from": [peer], "ports": [{"port": 8080}, {"port": 9090}]}]
        spec: Json = {"podSelector": selector, "policyTypes": ["Ingress"], "ingress": rules}
        path = f"{_KUBERNETES}/namespaces/{namespace}/networkpolicies"
        return path, {"metadata": {"name": "app"}, "spec": spec}
    scraper = {"matchLabels": {_NAMESPACE: "monitoring", **_PROMETHEUS}}
    dns = {"matchLabels": {_NAMESPACE: "kube-system", **_DNS}}
    asked = [{"ports": [{"port": "53", "protocol": each} for each in ("UDP", "TCP")]}]
    ingress: list[Json] = [{"fromEndpoints": [scraper], "toPorts": _ports(9090)}]
    egress: list[Json] = [{"toEndpoints": [dns], "toPorts": asked}]
    if not isolated:
        ingress.append({"fromEndpoints": [of_app]})
        egress.append({"toEndpoints": [of_app], "toPorts": _ports(5432, 6379)})
    policy = _cilium(_CNP, "app", selector, ingress=ingress, egress=egress)
    return policies_of(namespace), policy


def _platform_policies(namespace: str) -> Iterator[Json]:
    own: list[Json] = [{}]
    yield _cilium(_CNP, "own", {}, egress=[{"toEndpoints": own}, {"toEntities": ["cluster"]}])
    if namespace == "kube-system":
        dns = {"matchLabels": _DNS}
        yield _cilium(_CNP, "dns", dns, ingress=[{"fromEntities": ["cluster"]}])
        return
    for number in range(8):
        chosen = {"matchLabels": {"app": f"volume-{number}"}}
        yield _cilium(_CNP, f"volume-{number}", chosen, ingress=[{"fromEntities": ["cluster"]}])


def _clusterwide(number: int) -> Json:
    """An opt-in by a word on pods."""
    chosen = {"matchLabels": {f"k8s:words.example.org/word-{number}": "true"}}
    egress = [{"toEntities": ["world"], "toPorts": _ports(8000 + number)}]
    return _cilium("CiliumClusterwideNetworkPolicy", f"word-{number}", chosen, egress=egress)


def _ports(*numbers: int) -> list[Json]:
    return [{"ports": [{"port": str(number), "protocol": "TCP"} for number in numbers]}]


def _cilium(kind: str, name: str, selector: Json, **sections: Any) -> Json:
    spec = {"endpointSelector": selector, **sections}
    return {"apiVersion": "cilium.io/v2", "kind": kind, "metadata": {"name": name}, "spec": spec}
