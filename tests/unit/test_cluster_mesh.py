"""This cluster's name in a cluster mesh: which is used, what gets it, and what is told otherwise.

What it comes to between two clusters, Cilium's engine judges in tests/truth/test_cluster_mesh.py.
"""

from __future__ import annotations

from typing import Any

import pytest

from homelab_netpol.cache.cluster import ClusterCache
from homelab_netpol.cilium.agent_config import read_agent_config
from homelab_netpol.cilium.enforcement import Agents, CiliumState
from homelab_netpol.cilium.evaluation import in_cluster, read_policy
from homelab_netpol.cilium.version import Version
from homelab_netpol.cluster.pods import ObservedPod
from homelab_netpol.cluster.snapshot import Snapshot
from homelab_netpol.findings.inspection import Inspection
from homelab_netpol.findings.inspector import CHECKS
from homelab_netpol.findings.wanted import wanted
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.keys import CLUSTERWIDE
from homelab_netpol.policy.within_cluster import within_cluster
from homelab_netpol.reconcile.requests import namespace_key, target_key
from homelab_netpol.reconcile.triggers import Triggers
from homelab_netpol.settings import SettingsError, parse_settings
from tests.inspected import DOMAIN, Cluster, snapshot
from tests.unit.hand_made import policy

LABEL = "io.cilium.k8s.policy.cluster"
HOME = {f"k8s:{LABEL}": "home"}
SETTINGS = parse_settings("cluster: {name: home}")
UNREADABLE = CiliumState("kube-system/cilium-config", unknown_because="not found")


def state(version: tuple[int, int, int] | None = None, **data: str) -> CiliumState:
    config = {key.replace("_", "-"): value for key, value in data.items()}
    versions = [] if version is None else [Version(*version)]
    agents = Agents(1, 1, frozenset(versions))
    return CiliumState("kube-system/cilium-config", read_agent_config(config, versions), agents)


def selector_of(selector: dict[str, Any]) -> Any:
    body = {"spec": {"endpointSelector": {}, "ingress": [{"fromEndpoints": [selector]}]}}
    [rule] = within_cluster(body, "home")["spec"]["ingress"]
    [within] = rule["fromEndpoints"]
    return within


@pytest.mark.parametrize(
    ("selector", "within"),
    [
        ({}, {"matchLabels": HOME}),
        ({"matchLabels": {"app": "a"}}, {"matchLabels": {"app": "a", **HOME}}),
        (
            {"matchExpressions": [{"key": "app", "operator": "Exists"}]},
            {"matchExpressions": [{"key": "app", "operator": "Exists"}], "matchLabels": HOME},
        ),
        # Of pods, with a word on reserved labels beside it.
        (
            {
                "matchLabels": {"k8s:app": "a"},
                "matchExpressions": [{"key": "reserved:none", "operator": "DoesNotExist"}],
            },
            {
                "matchLabels": {"k8s:app": "a", **HOME},
                "matchExpressions": [{"key": "reserved:none", "operator": "DoesNotExist"}],
            },
        ),
    ],
)
def test_a_selector_of_pods_means_those_of_the_cluster(selector: Any, within: Any) -> None:
    assert selector_of(selector) == within


@pytest.mark.parametrize(
    "selector",
    [
        {"matchLabels": {LABEL: "cabin"}},
        {"matchLabels": {f"k8s:{LABEL}": "cabin"}},
        {"matchLabels": {f"any:{LABEL}": "cabin"}},
        {"matchExpressions": [{"key": f"k8s:{LABEL}", "operator": "Exists"}]},
        {"matchLabels": {"reserved:host": ""}},
        {"matchExpressions": [{"key": "reserved:none", "operator": "DoesNotExist"}]},
    ],
)
def test_what_speaks_of_clusters_itself_or_of_no_pods_stays(selector: Any) -> None:
    assert selector_of(selector) == selector


def test_deny_rules_and_the_policys_own_pods_stay_as_they_are() -> None:
    deny: list[dict[str, Any]] = [{"fromEndpoints": [{}]}]
    body = {"specs": [{"endpointSelector": {"matchLabels": {"app": "a"}}, "ingressDeny": deny}]}
    assert within_cluster(body, "home") == body


@pytest.mark.parametrize("name", ["", "Home", "-home", "home-", "ho_me", "h" * 33])
def test_a_name_that_cilium_does_not_take_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match=r"cluster\.name: must be a cluster's name"):
        parse_settings(f"cluster: {{name: '{name}'}}")


def test_a_resource_in_another_cluster_needs_its_namespace_there() -> None:
    with pytest.raises(SettingsError, match="`cluster` needs a `namespace`"):
        parse_settings("sharedResources: {x: {entities: [host], cluster: a, ports: [{port: 1}]}}")


# Which name is used, and what is told


def told(seen: CiliumState, settings: str) -> tuple[str | None, list[str], str]:
    cache = ClusterCache(Catalogue(parse_settings(settings)))
    Triggers(cache).cilium_observed(seen)
    enforcement = cache.enforcement()
    reasons = [each.value for each in enforcement.impairments]
    return cache.catalogue.own_cluster.selected, reasons, enforcement.sentence or ""


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (state(cluster_name="cabin"), "cluster.name says home, and Cilium cabin (cluster-name in"),
        (state(), "cluster.name says home, and Cilium default"),
        (UNREADABLE, "nothing confirms the setting cluster.name: home"),
        (
            state(cluster_name="home", labels=f"!{LABEL.replace('.', chr(92) + '.')}"),
            f"Cilium leaves {LABEL} out of identities",
        ),
    ],
)
def test_a_name_that_nothing_confirms_is_told_and_not_used(seen: CiliumState, words: str) -> None:
    selected, reasons, sentence = told(seen, "cluster: {name: home}")
    assert (selected, reasons) == (None, ["ClusterNameNotUsed"])
    assert words in sentence


def test_a_confirmed_name_is_used_and_nothing_is_told() -> None:
    seen = state((1, 17, 9), cluster_name="home", cluster_id="1")
    assert told(seen, "cluster: {name: home}") == ("home", [], "")


@pytest.mark.parametrize(
    ("seen", "spans"),
    [
        (state((1, 16, 0), cluster_name="home", cluster_id="3"), True),
        (state((1, 18, 4), cluster_name="home", cluster_id="3"), True),
        (state((1, 19, 0), cluster_name="home", cluster_id="3"), False),
        (state(cluster_name="home", cluster_id="3"), False),  # the version is not known
        (state((1, 18, 4), cluster_name="home", cluster_id="0"), False),  # in no mesh
        (
            state(
                (1, 18, 4), cluster_name="h", cluster_id="3", policy_default_local_cluster="true"
            ),
            False,
        ),
        (
            state((1, 20, 1), cluster_name="h", cluster_id="3", policy_default_local_cluster="no"),
            True,
        ),
    ],
)
def test_without_a_name_it_is_told_where_selectors_mean_all_clusters(
    seen: CiliumState, spans: bool
) -> None:
    _, reasons, sentence = told(seen, "")
    assert reasons == (["OtherClustersMeant"] if spans else [])
    if spans:
        assert "set cluster.name: h" in sentence


def test_a_name_that_is_used_no_longer_moves_every_policy_and_an_unread_one_none() -> None:
    cache = ClusterCache(Catalogue(SETTINGS))
    triggers = Triggers(cache)
    manifest = {"metadata": {"name": "app", "uid": "1", "resourceVersion": "1"}}
    triggers.namespace_observed(cache.namespaces.read(manifest))
    assert triggers.cilium_observed(state(cluster_name="home")) == {}
    # What was read stays what is known.
    assert triggers.cilium_observed(UNREADABLE) == {}
    assert cache.catalogue.own_cluster.selected == "home"
    moved = triggers.cilium_observed(state(cluster_name="cabin"))
    assert {CLUSTERWIDE, namespace_key("app"), target_key("postgres")} <= moved.keys()
    assert triggers.cilium_observed(UNREADABLE) == {}
    assert cache.catalogue.own_cluster.selected is None


# Findings

NAMESPACES = {
    "app": {f"{DOMAIN}/profile": "standard", f"access.{DOMAIN}/postgres": "true"},
    "job": {f"{DOMAIN}/profile": "isolated", f"access.{DOMAIN}/attic": "true"},
    "database": {},
}
PODS = {"app": [{"app": "web"}], "job": [{"app": "job"}], "database": [{"app": "pg"}]}
ATTIC = "sharedResources: {attic: {namespace: attic, cluster: cabin, ports: [{port: 80}]}}"


def findings(settings: str, *foreign: dict[str, Any]) -> list[tuple[str, str]]:
    cluster = Cluster(NAMESPACES, Catalogue(parse_settings(settings)))
    cluster.cache.set_cilium(state((1, 17, 0), cluster_name="home", cluster_id="1"))
    cluster.cache.redefine()
    own = wanted(cluster.cache).own_cluster
    assert own == "home"
    seen = snapshot((), PODS)
    policies: dict[str, list[Any]] = {}
    for one in foreign:
        read = in_cluster(read_policy(one), own)
        policies.setdefault(read.ref.namespace, []).append(read)
    databases = [ObservedPod(labels) for labels in PODS["database"]]
    seen = Snapshot(policies, {}, seen.pods, {"database": databases})
    found = cluster.inspected(seen, (Inspection.sort, *CHECKS))
    return sorted((each.subject, each.reason.value) for each in found)


def lets_in(cluster: str) -> dict[str, Any]:
    labels = {"k8s:io.kubernetes.pod.namespace": "app", f"k8s:{LABEL}": cluster}
    return policy(ingress=[{"fromEndpoints": [{"matchLabels": labels}]}])


@pytest.mark.parametrize("name", ["", "cluster: {name: home}\n"])
def test_findings_are_the_same_with_the_clusters_name_in_selectors(name: str) -> None:
    assert findings(name + ATTIC) == []
    closing = policy(ingress=[{"fromEndpoints": [{}]}])
    opening = policy("chart", "job", egress=[{"toEntities": ["world"]}])
    assert findings(name + ATTIC, closing, opening) == [("job", "ProfileWidened")]


def test_a_policy_that_names_a_cluster_is_read_for_the_pods_of_this_one() -> None:
    by_hand = (
        "sharedResources: {postgres: {namespace: database, target: none, ports: [{port: 5432}]}}"
    )
    assert findings(by_hand, lets_in("home")) == []
    assert findings(by_hand, lets_in("cabin")) == [("app", "TargetDenies")]
