"""The shapes of real clusters, each with its owner's policies, and in each all is well.

Everything is made up, but for what they have in common with clusters in use: where policies stand,
whom they select, and where DNS, probes, Prometheus and the mesh's tunnel come from.
"""

from __future__ import annotations

from collections.abc import Iterable

from homelab_netpol.settings import Settings, parse_settings
from tests.inspected import Json, Labels
from tests.models.homelab import homelab
from tests.models.model import Model
from tests.models.writing import (
    OF_PODS,
    answering_dns,
    ccnp,
    cnp,
    dns_ports,
    every_pod,
    from_prometheus,
    np,
    pods_of,
    ports,
    to_dns,
)

_PROMETHEUS = "[{namespace: telemetry, podLabels: {app.kubernetes.io/name: prometheus}}]"
_PROFILE = "network-policy.homelab/profile"


def models() -> list[Model]:
    """All of them."""
    return [words_on_pods(), gateway_of_cilium(), shared_namespaces(), homelab()]


def words_on_pods() -> Model:
    """One app a Namespace; pods opt in by labels, and the baselines have the names of ours."""
    policies = [
        ccnp("baseline-dns-egress", OF_PODS, egress=[to_dns()]),
        ccnp("baseline-health-probes", OF_PODS, ingress=[{"fromEntities": ["health"]}]),
        ccnp("baseline-prometheus-scrape", OF_PODS, ingress=[from_prometheus("telemetry")]),
        _word("internet", egress=[{"toEntities": ["world"], "toPorts": ports(443)}]),
        _word("page", ingress=[{"fromEndpoints": [pods_of("edge", app="proxy")]}]),
        _word("postgres", egress=[{"toEndpoints": [pods_of("databases", app="pg")]}]),
        answering_dns("answer"),
        cnp(
            "serve",
            "databases",
            {"app": "pg"},
            ingress=[
                {
                    "fromEndpoints": [
                        {**OF_PODS, "matchLabels": {"words.example.org/postgres": "true"}}
                    ],
                    "toPorts": ports(5432),
                }
            ],
        ),
        cnp("apps", "edge", {"app": "proxy"}, egress=[{"toEntities": ["cluster"]}]),
    ]
    gateways = _gateways("app", "proxy", "outside")
    apps = ("notes", "photos", "wiki")
    return Model(
        "words-on-pods",
        namespaces={
            **_named("kube-system", "telemetry", "databases", "edge"),
            **{app: {_PROFILE: "internal"} for app in apps},
        },
        pods={
            "kube-system": [{"k8s-app": "kube-dns"}, {"k8s-app": "metrics-server"}],
            "telemetry": [{"app.kubernetes.io/name": "prometheus"}, {"app": "charts"}],
            "databases": [{"app": "pg"}],
            "edge": [{"app": "proxy"}],
            **{
                app: [{"app": app, "words.example.org/page": "true"}, {"app": f"{app}-db"}]
                for app in apps
            },
        },
        policies=tuple(policies),
        settings=_settings("kube-system", "telemetry", "databases", "edge", more=gateways),
    )


def gateway_of_cilium() -> Model:
    """One app a Namespace, requests come from the entity `ingress`; every app brings its policy."""
    policies = [
        ccnp("allow-dns", every_pod(), egress=[to_dns()]),
        ccnp(
            "serve-dns",
            {"matchLabels": {"k8s-app": "kube-dns"}},
            ingress=[{"fromEndpoints": [{}], "toPorts": dns_ports()}],
            egress=[{"toEntities": ["world"]}],
        ),
        cnp(
            "sso",
            "identity",
            {"app": "sso"},
            ingress=[
                {"fromEntities": ["ingress"], "toPorts": ports(9000)},
                from_prometheus("telemetry", 9300),
            ],
            egress=[{"toEndpoints": [{"matchLabels": {"cnpg.io/cluster": "sso-db"}}]}],
        ),
        np(
            "sso-db",
            "identity",
            {"cnpg.io/cluster": "sso-db"},
            ingress=[
                {"from": [{"podSelector": {"matchLabels": {"app": "sso"}}}]},
                {"from": [{"namespaceSelector": {}}], "ports": [{"port": 9187}]},
            ],
        ),
        cnp("vault", "secrets", ingress=[{"fromEntities": ["cluster"]}]),
    ]
    return Model(
        "gateway-of-cilium",
        namespaces=_named("kube-system", "telemetry", "identity", "secrets", "whiteboard"),
        pods={
            "kube-system": [{"k8s-app": "kube-dns"}],
            "telemetry": [{"app.kubernetes.io/name": "prometheus"}],
            "identity": [{"app": "sso"}, {"cnpg.io/cluster": "sso-db"}],
            "secrets": [{"app": "vault"}],
            "whiteboard": [{"app": "whiteboard"}, {"cnpg.io/cluster": "whiteboard-db"}],
        },
        policies=tuple(policies),
        settings=_settings("kube-system", "telemetry", "identity", "secrets"),
    )


def shared_namespaces() -> Model:
    """Many apps a Namespace; one clusterwide policy denies everything, by a label nobody has."""
    nobody: list[Json] = [{}]
    policies = [
        ccnp("default-deny", every_pod(), ingress=nobody, egress=nobody),
        ccnp("dns", every_pod(), egress=[to_dns()]),
        ccnp("metrics", every_pod(), ingress=[from_prometheus("telemetry")]),
        answering_dns("resolver"),
        cnp(
            "gateway",
            "edge",
            {"app.kubernetes.io/name": "gateway"},
            ingress=[{"fromEntities": ["world"], "toPorts": ports(10443)}],
            egress=[{"toEndpoints": [pods_of(name)]} for name in ("household", "media")],
        ),
        cnp("documents", "household", {"app": "documents"}, ingress=[_from_gateway(8000)]),
        np(
            "chart",
            "certificates",
            ingress=[{"ports": [{"port": 10250}]}],
            egress=[{"ports": [{"port": 443}, {"port": 6443}]}],
        ),
    ]
    gateways = _gateways("gateway.example.org/of", "in", "out")
    return Model(
        "shared-namespaces",
        namespaces={
            **_named("kube-system", "telemetry", "edge", "certificates"),
            "household": {_PROFILE: "standard"},
            "media": {_PROFILE: "internal"},
        },
        pods={
            "kube-system": [{"k8s-app": "kube-dns"}],
            "telemetry": [{"app.kubernetes.io/name": "prometheus"}, {"app": "alerts"}],
            "edge": [
                {"app.kubernetes.io/name": "gateway", "gateway.example.org/of": "in"},
                {"app.kubernetes.io/name": "gateway", "gateway.example.org/of": "out"},
            ],
            "certificates": [{"app": "cert-manager"}, {"app": "webhook"}],
            "household": [{"app": "documents"}, {"app": "budget"}],
            "media": [{"app": "video"}, {"app": "indexer"}],
        },
        policies=tuple(policies),
        settings=_settings("kube-system", "telemetry", "edge", "certificates", more=gateways),
    )


def _word(word: str, **sections: Iterable[Json]) -> Json:
    label = {"matchLabels": {f"k8s:words.example.org/{word}": "true"}}
    return ccnp(f"word-{word}", label, **sections)


def _from_gateway(port: int) -> Json:
    return {"fromEndpoints": [pods_of("edge", name="gateway")], "toPorts": ports(port)}


def _named(*names: str) -> dict[str, Labels]:
    return {name: {} for name in names}


def _settings(*platform: str, more: str = "") -> Settings:
    listed = ", ".join(platform)
    return parse_settings(f"platformNamespaces: [{listed}]\nscrapers: {_PROMETHEUS}\n{more}")


def _gateways(label: str, internal: str, external: str) -> str:
    pods = {
        which: f"[{{namespace: edge, podLabels: {{{label}: {value}}}}}]"
        for which, value in (("internal", internal), ("external", external))
    }
    return f"gateways: {{internal: {pods['internal']}, external: {pods['external']}}}\n"
