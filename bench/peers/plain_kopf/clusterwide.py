"""Builds the baselines, and the hatch's clusterwide policy."""

from __future__ import annotations

from collections.abc import Sequence

from bench.peers.plain_kopf.intent import ACCESS, ENFORCEMENT, PLATFORM, PLATFORM_LABEL, RESOURCES
from bench.peers.plain_kopf.policies import (
    POD_NAMESPACE,
    Json,
    Key,
    Policy,
    additive,
    everything,
    from_probes,
    make_policy,
    pods,
    tcp,
    to_dns,
)

_NAMESPACE_LABELS = "k8s:io.cilium.k8s.namespace.labels."
_TUNNEL = 15008


def clusterwide_policies(prometheus_ports: Sequence[int]) -> dict[Key, Policy]:
    """All of them.

    Args:
        prometheus_ports: what Prometheus may reach on every pod; none: any TCP port.
    """
    scrape = _from_prometheus(prometheus_ports or [0])
    bodies = {
        "baseline-dns-egress": _everywhere("Baseline: egress to DNS.", egress=[to_dns()]),
        "baseline-health-probes": _everywhere(
            "Baseline: ingress from health probes.", ingress=from_probes()
        ),
        "baseline-prometheus-scrape": _everywhere(
            "Baseline: ingress from scrapers.", ingress=[scrape]
        ),
        "baseline-kube-api-access": {"spec": _kube_api()},
        "baseline-hbone-mesh": {"spec": _mesh(narrowed=bool(prometheus_ports))},
    }
    policies = [make_policy(Key("", name), "baseline", body) for name, body in bodies.items()]
    disabled = {"matchLabels": {_NAMESPACE_LABELS + ENFORCEMENT: "disabled"}}
    hatch = everything("Escape hatch: namespaces labelled enforcement=disabled.", disabled)
    policies.append(make_policy(Key("", "escape-hatch-allow-all"), "hatch", {"spec": hatch}))
    return {policy.key: policy for policy in policies}


def _everywhere(description: str, **rules: list[Json]) -> Json:
    """Gives rules to all pods; only outside the platform's namespaces they deny the rest."""
    # A bare NotIn would select Cilium's pseudo endpoints as well.
    exists = {"key": POD_NAMESPACE, "operator": "Exists"}
    outside = (
        {"key": POD_NAMESPACE, "operator": "NotIn", "values": list(PLATFORM)},
        {"key": _NAMESPACE_LABELS + PLATFORM_LABEL, "operator": "NotIn", "values": ["true"]},
    )
    return {
        "specs": [
            {
                "description": description,
                "endpointSelector": {"matchExpressions": [exists]},
                "enableDefaultDeny": additive(),
                **rules,
            },
            {
                "description": description,
                "endpointSelector": {"matchExpressions": [exists, *outside]},
                **rules,
            },
        ]
    }


def _from_prometheus(ports: Sequence[int]) -> Json:
    labels = {"app.kubernetes.io/name": "prometheus"}
    return {"fromEndpoints": pods("monitoring", labels), "toPorts": tcp(ports)}


def _kube_api() -> Json:
    resource = RESOURCES["kube-api"]
    return {
        "description": "Baseline: egress to the Kubernetes API, for namespaces with the access"
        " label.",
        "endpointSelector": {"matchLabels": {f"{_NAMESPACE_LABELS}{ACCESS}kube-api": "true"}},
        "enableDefaultDeny": additive(),
        "egress": [{"toEntities": [resource.entity], "toPorts": tcp(resource.ports)}],
    }


def _mesh(*, narrowed: bool) -> Json:
    """The tunnel to ztunnel and, if Prometheus is held to some ports, to it in the mesh."""
    ztunnel = pods("istio-system", {"app": "ztunnel"})
    ingress: list[Json] = [
        {"fromEndpoints": ztunnel, "toPorts": tcp([_TUNNEL])},
        {"fromCIDR": ["169.254.7.127/32", "fd16:9254:7127:1337:ffff::/80"]},
    ]
    if narrowed:
        in_mesh = {
            "key": f"{_NAMESPACE_LABELS}istio.io/dataplane-mode",
            "operator": "In",
            "values": ["ambient"],
        }
        rule = _from_prometheus([_TUNNEL])
        rule["fromEndpoints"][0]["matchExpressions"] = [in_mesh]
        ingress.append(rule)
    meshed = {f"{_NAMESPACE_LABELS}istio.io/dataplane-mode": "ambient"}
    return {
        "description": "Baseline: meshed namespaces and ztunnel.",
        "endpointSelector": {"matchLabels": meshed},
        "enableDefaultDeny": additive(),
        "ingress": ingress,
        "egress": [{"toEndpoints": ztunnel, "toPorts": tcp([_TUNNEL])}],
    }
