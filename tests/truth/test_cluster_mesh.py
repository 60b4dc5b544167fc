"""Two clusters of one mesh, `home` and `cabin`, with the same Namespaces and pods in both.

The operator is that of home. Cilium's engine judges its policies as Cilium reads them since 1.19,
where a selector that names no cluster means the own one, and as it read them before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from homelab_netpol.cilium.evaluation import Pod, in_cluster, ingress_verdict, read_policy
from homelab_netpol.cilium.own_cluster import OwnCluster
from homelab_netpol.definitions import Definitions, read_profile, read_resource
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.desired import desired_state
from homelab_netpol.settings import parse_settings
from lab.control_plane import Engine, Flow, Identity, Verdict

DOMAIN = "network-policy.homelab"
CLUSTER_LABEL = "io.cilium.k8s.policy.cluster"
AMBIENT = {"istio.io/dataplane-mode": "ambient"}

NAMESPACES: dict[str, dict[str, str]] = {
    "my-app": {f"{DOMAIN}/profile": "standard", f"access.{DOMAIN}/postgres": "true", **AMBIENT},
    "weekend": {f"{DOMAIN}/profile": "visited", f"access.{DOMAIN}/cabin-db": "true", **AMBIENT},
    "open": {f"{DOMAIN}/profile": "isolated", f"{DOMAIN}/enforcement": "disabled"},
    "database": AMBIENT,
    "kube-system": {},
    "monitoring": {},
    "istio-gateway": {},
    "istio-system": {},
}
PODS: dict[str, tuple[str, dict[str, str]]] = {
    "my-app": ("my-app", {}),
    "weekend": ("weekend", {}),
    "open": ("open", {}),
    "database": ("database", {}),
    "dns": ("kube-system", {"k8s-app": "kube-dns"}),
    "prometheus": ("monitoring", {"app.kubernetes.io/name": "prometheus"}),
    "gateway": ("istio-gateway", {"gateway.networking.k8s.io/gateway-name": "internal"}),
    "ztunnel": ("istio-system", {"app": "ztunnel"}),
}
# What policies of home allow between pods of home, and why.
WITHIN = {
    "the grant": ("my-app", "database", 5432),
    "DNS": ("my-app", "dns", 53),
    "the gateway": ("gateway", "my-app", 8080),
    "the scraper": ("prometheus", "my-app", 9090),
    "the own namespace": ("my-app", "my-app", 8080),
    "the tunnel": ("my-app", "database", 15008),
    "the mesh's proxy": ("ztunnel", "my-app", 15008),
}
SETTINGS = "cluster: {name: home}"
VISITED = {
    "metadata": {"name": "visited"},
    "spec": {
        "ingress": [
            {
                "fromEndpoints": [
                    {
                        "matchLabels": {
                            "k8s:io.kubernetes.pod.namespace": "my-app",
                            f"k8s:{CLUSTER_LABEL}": "cabin",
                        }
                    }
                ],
                "toPorts": [{"ports": [{"port": "8080", "protocol": "TCP"}]}],
            }
        ]
    },
}
CABIN_DB = {
    "metadata": {"name": "cabin-db"},
    "spec": {"namespace": "database", "cluster": "cabin", "ports": [{"port": 5432}]},
}


def spanning(policy: Mapping[str, Any]) -> dict[str, Any]:
    """As Cilium before 1.19 reads it: a selector without a word on clusters means all of them."""
    found = dict(policy)
    if "spec" in policy:
        found["spec"] = _spanning_rules(policy["spec"])
    if "specs" in policy:
        found["specs"] = [_spanning_rules(each) for each in policy["specs"]]
    return found


def _spanning_rules(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **spec,
        **{
            direction: [_spanning_rule(rule, field) for rule in spec[direction]]
            for direction, field in (("ingress", "fromEndpoints"), ("egress", "toEndpoints"))
            if direction in spec
        },
    }


def _spanning_rule(rule: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    if field not in rule:
        return rule
    every = {"key": f"k8s:{CLUSTER_LABEL}", "operator": "Exists"}
    peers = [
        each
        if CLUSTER_LABEL in str(each)
        else {**each, "matchExpressions": [*each.get("matchExpressions", ()), every]}
        for each in rule[field]
    ]
    return {**rule, field: peers}


def written(settings: str = SETTINGS, own: OwnCluster | None = None) -> list[dict[str, Any]]:
    profile, resource = read_profile(VISITED), read_resource(CABIN_DB)
    assert (profile.problem, resource.problem) == (None, None)
    definitions = Definitions({"visited": profile}, {"cabin-db": resource})
    catalogue = Catalogue(parse_settings(settings), definitions, own_cluster=own)
    namespaces = [{"metadata": {"name": n, "labels": of}} for n, of in NAMESPACES.items()]
    return desired_state(catalogue, namespaces, datetime.now(UTC)).cilium_objects


@pytest.fixture
def mesh(engine: Engine) -> Iterator[Engine]:
    """The session's engine with the pods of both clusters."""
    engine.policies([])
    pods = {
        f"{cluster}/{name}": Identity.pod(
            namespace, {**labels, CLUSTER_LABEL: cluster}, NAMESPACES[namespace]
        )
        for cluster in ("home", "cabin")
        for name, (namespace, labels) in PODS.items()
    }
    engine.identities(pods)
    yield engine
    engine.policies([])


def flow(source: str, target: str, port: int) -> Flow:
    return Flow(source, target, port, "UDP" if port == 53 else "TCP")


def verdicts(engine: Engine, flows: Iterable[tuple[str, str, int]]) -> list[Verdict]:
    return list(engine.verdicts([flow(*each) for each in flows]))


READ_AS = pytest.mark.parametrize("read", [dict, spanning], ids=["since 1.19", "before"])


@READ_AS
def test_pods_of_another_cluster_get_nothing_that_those_of_this_one_have(
    mesh: Engine, read: Any
) -> None:
    assert mesh.policies([read(each) for each in written()]) == []
    ours = [(f"home/{a}", f"home/{b}", port) for a, b, port in WITHIN.values()]
    assert [one.allowed for one in verdicts(mesh, ours)] == [True] * len(WITHIN)
    # The policies are home's: of a flow between the clusters they decide the half that is here.
    coming = [(f"cabin/{a}", f"home/{b}", port) for a, b, port in WITHIN.values()]
    let_in = {
        why
        for (why, (_, target, _)), verdict in zip(
            WITHIN.items(), verdicts(mesh, coming), strict=True
        )
        if verdict.ingress == "allowed" and target == "my-app"
    }
    assert let_in == set()
    leaving = [(f"home/{a}", f"cabin/{b}", port) for a, b, port in WITHIN.values()]
    let_out = {
        why
        for (why, (source, _, _)), verdict in zip(
            WITHIN.items(), verdicts(mesh, leaving), strict=True
        )
        if verdict.egress == "allowed" and source == "my-app"
    }
    assert let_out == set()


@READ_AS
def test_a_grant_lets_this_clusters_consumers_in_and_the_hatch_everybody(
    mesh: Engine, read: Any
) -> None:
    settings = f"{SETTINGS}\ndefaultDeny: cluster"  # the database denies what nothing allows
    assert mesh.policies([read(each) for each in written(settings)]) == []
    asked = [("home/my-app", "home/database", 5432), ("cabin/my-app", "home/database", 5432)]
    assert [one.ingress for one in verdicts(mesh, asked)] == ["allowed", "denied"]
    assert verdicts(mesh, [("cabin/my-app", "home/open", 8080)])[0].ingress == "allowed"


@READ_AS
def test_what_names_another_cluster_means_that_one_alone(mesh: Engine, read: Any) -> None:
    policies = written()
    assert mesh.policies([read(each) for each in policies]) == []
    asked = [("home/weekend", f"{where}/database", 5432) for where in ("home", "cabin")]
    assert [one.egress for one in verdicts(mesh, asked)] == ["denied", "allowed"]
    visits = [(f"{where}/my-app", "home/weekend", 8080) for where in ("home", "cabin")]
    assert [one.ingress for one in verdicts(mesh, visits)] == ["denied", "allowed"]
    beside = [one["metadata"]["name"] for one in policies if "cabin-db" in one["metadata"]["name"]]
    assert beside == ["homelab-access-cabin-db"]


def test_a_resource_that_names_this_cluster_is_like_one_that_names_none() -> None:
    cabins = written("", OwnCluster("cabin"))
    names = {(one["metadata"].get("namespace"), one["metadata"]["name"]) for one in cabins}
    assert ("database", "homelab-grant-cabin-db") in names


@pytest.mark.parametrize(
    ("settings", "own"),
    [
        pytest.param("", None, id="no name is set"),
        pytest.param(SETTINGS, OwnCluster("cabin", False), id="it is another cluster's"),
    ],
)
def test_without_a_confirmed_name_nobody_is_cut_off(
    mesh: Engine, settings: str, own: OwnCluster | None
) -> None:
    assert mesh.policies([spanning(each) for each in written(settings, own)]) == []
    # And nobody is kept out who came in before the name was set.
    assert verdicts(mesh, [("cabin/my-app", "home/my-app", 8080)])[0].ingress == "allowed"
    for cluster in ("home", "cabin"):
        ours = [(f"{cluster}/{a}", f"{cluster}/{b}", port) for a, b, port in WITHIN.values()]
        assert [one.allowed for one in verdicts(mesh, ours)] == [True] * len(WITHIN)


SELECTORS = [
    {"matchLabels": {f"k8s:{CLUSTER_LABEL}": "default"}},
    {"matchLabels": {f"any:{CLUSTER_LABEL}": "cabin"}},
    {"matchLabels": {CLUSTER_LABEL: "cabin", "k8s:io.kubernetes.pod.namespace": "my-app"}},
    *(
        {"matchExpressions": [{"key": f"k8s:{CLUSTER_LABEL}", "operator": operator, **values}]}
        for operator, values in (
            ("In", {"values": ["cabin", "default"]}),
            ("NotIn", {"values": ["default"]}),
            ("NotIn", {"values": ["cabin"]}),
            ("Exists", {}),
            ("DoesNotExist", {}),
        )
    ),
]


@pytest.mark.parametrize("selector", SELECTORS, ids=str)
@pytest.mark.parametrize("subject", [{}, *SELECTORS[:2]], ids=str)
def test_our_reading_of_a_clusters_name_is_ciliums(
    engine: Engine, selector: dict[str, Any], subject: dict[str, Any]
) -> None:
    where = {"name": "by-hand", "namespace": "my-app"}
    kind = {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy"}
    spec = {"endpointSelector": subject, "ingress": [{"fromEndpoints": [selector]}]}
    by_hand = {**kind, "metadata": where, "spec": spec}
    engine.identities({"app": Identity.pod("my-app")})  # the engine's own cluster is `default`
    assert engine.policies([by_hand]) == []
    [theirs] = verdicts(engine, [("app", "app", 80)])
    engine.policies([])
    pod = Pod("my-app", {}, {})
    ours = ingress_verdict([in_cluster(read_policy(by_hand), "default")], pod, pod, 80)
    assert ours.outcome.value == theirs.ingress
