"""The static homelab: what stands in a cluster before the operator comes, in an ambient mesh.

The baselines select every pod, so all that platform namespaces do beside DNS, probes, metrics and
the tunnel's proxies is written there by hand. Flux, an operator of databases and one of volumes
bring NetworkPolicies of their charts.
"""

from __future__ import annotations

from homelab_netpol.settings import parse_settings
from tests.inspected import Json
from tests.models.model import Model
from tests.models.writing import (
    NAMESPACE,
    OF_PODS,
    answering_dns,
    ccnp,
    cnp,
    dns_ports,
    from_prometheus,
    np,
    pods_of,
    ports,
    to_dns,
)

_PROFILE = "network-policy.homelab/profile"
_MESH = {"istio.io/dataplane-mode": "ambient"}
_POSTGRES = {"access.network-policy.homelab/postgres": "true"}
_PLATFORM = (
    *("kube-system", "monitoring", "database", "garage", "istio-system", "istio-gateway"),
    *("flux-system", "cnpg-system", "rook", "longhorn-system"),
)
_IN_MESH = {
    "matchLabels": {"k8s:io.cilium.k8s.namespace.labels.istio.io/dataplane-mode": "ambient"}
}
_ZTUNNEL = [pods_of("istio-system", app="ztunnel")]


def homelab() -> Model:
    """The cluster."""
    gateway = "gateway.networking.k8s.io/gateway-name"
    return Model(
        "homelab",
        namespaces={
            **{name: {} for name in _PLATFORM},
            **dict.fromkeys(("database", "garage", "istio-gateway"), _MESH),
            "blog": {_PROFILE: "standard", **_MESH, **_POSTGRES},
            "jobs": {_PROFILE: "isolated"},
            "wiki": {_PROFILE: "internal", **_POSTGRES},
        },
        pods={
            "kube-system": [{"k8s-app": "kube-dns"}, {"app": "hubble-relay"}],
            "monitoring": [{"app.kubernetes.io/name": "prometheus"}, {"app": "grafana"}],
            "database": [{"app": "pg", "role": "primary"}, {"app": "pg", "role": "replica"}],
            "garage": [{"app": "garage"}],
            "istio-system": [{"app": "istiod"}, {"app": "ztunnel"}],
            "istio-gateway": [{gateway: "internal"}, {gateway: "external"}],
            "flux-system": [{"app": "source-controller"}, {"app": "notification-controller"}],
            "cnpg-system": [{"app": "cnpg"}],
            "rook": [{"app": "rook-operator"}, {"app": "rook-mgr"}],
            "longhorn-system": [{"app": "longhorn-manager"}, {"app": "longhorn-ui"}],
            **{name: [{"app": name}] for name in ("blog", "jobs", "wiki")},
        },
        policies=(*_baselines(), *_by_hand(), *_of_flux(), *_of_charts()),
        settings=parse_settings(f"platformNamespaces: [{', '.join(_PLATFORM)}]"),
    )


def _baselines() -> list[Json]:
    looked_up = [{**dns_ports()[0], "rules": {"dns": [{"matchPattern": "*"}]}}]
    probes = [{"fromEntities": ["health", "host"]}, {"fromCIDR": ["169.254.0.0/16"]}]
    tunnel = ports(15008)
    return [
        ccnp("baseline-dns-egress", OF_PODS, egress=[{**to_dns(), "toPorts": looked_up}]),
        ccnp("baseline-health-probes", OF_PODS, ingress=probes),
        ccnp("baseline-prometheus-scrape", OF_PODS, ingress=[from_prometheus("monitoring")]),
        ccnp(
            "baseline-hbone-mesh",
            _IN_MESH,
            ingress=[{"fromEndpoints": _ZTUNNEL, "toPorts": tunnel}],
            egress=[{"toEndpoints": _ZTUNNEL, "toPorts": tunnel}],
        ),
        ccnp(
            "hbone-cluster",
            _IN_MESH,
            ingress=[{"fromEntities": ["cluster"], "toPorts": tunnel}],
            egress=[{"toEntities": ["cluster"], "toPorts": tunnel}],
        ),
    ]


def _by_hand() -> list[Json]:
    """For their own services, and for nothing else."""
    apps = {"matchExpressions": [{"key": NAMESPACE, "operator": "In", "values": ["blog", "wiki"]}]}
    return [
        answering_dns("coredns"),
        cnp(
            "postgres",
            "database",
            {"app": "pg"},
            ingress=[{"fromEndpoints": [{"matchLabels": {"app": "pg"}}], "toPorts": ports(5432)}],
            egress=[
                {"toEndpoints": [{"matchLabels": {"app": "pg"}}], "toPorts": ports(5432)},
                {"toEndpoints": [pods_of("garage")], "toPorts": ports(3900)},
            ],
        ),
        cnp(
            "garage",
            "garage",
            ingress=[{"fromEndpoints": [pods_of("database")], "toPorts": ports(3900)}],
        ),
        cnp(
            "gateways",
            "istio-gateway",
            ingress=[{"fromEntities": ["world"], "toPorts": ports(80, 443)}],
            egress=[
                {"toEndpoints": [apps]},
                {"toEndpoints": [pods_of("istio-system", app="istiod")], "toPorts": ports(15012)},
            ],
        ),
        cnp("grafana", "monitoring", {"app": "grafana"}, egress=[{"toEntities": ["world"]}]),
        cnp(
            "istiod",
            "istio-system",
            {"app": "istiod"},
            ingress=[{"fromEntities": ["cluster"], "toPorts": ports(15012)}],
        ),
    ]


def _of_flux() -> list[Json]:
    """As its installer writes them: everything out, metrics and webhooks in."""
    in_the_namespace: list[Json] = [{"podSelector": {}}]
    return [
        np("allow-egress", "flux-system", ingress=[{"from": in_the_namespace}], egress=[{}]),
        np(
            "allow-scraping",
            "flux-system",
            ingress=[{"from": [{"namespaceSelector": {}}], "ports": [{"port": 8080}]}],
        ),
        np(
            "allow-webhooks",
            "flux-system",
            {"app": "notification-controller"},
            ingress=[{"from": [{"namespaceSelector": {}}]}],
        ),
    ]


def _of_charts() -> list[Json]:
    return [
        np("cnpg", "cnpg-system", {"app": "cnpg"}, ingress=[{"ports": [{"port": 9443}]}]),
        np("rook-mgr", "rook", {"app": "rook-mgr"}, ingress=[{"ports": [{"port": 9283}]}]),
        np(
            "longhorn-ui",
            "longhorn-system",
            {"app": "longhorn-ui"},
            ingress=[
                {
                    "from": [{"namespaceSelector": {"matchLabels": _name("istio-gateway")}}],
                    "ports": [{"port": 8000}],
                }
            ],
        ),
    ]


def _name(namespace: str) -> dict[str, str]:
    return {"kubernetes.io/metadata.name": namespace}
