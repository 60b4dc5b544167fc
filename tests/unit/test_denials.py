"""What wins over an open hatch, or over a grant at home: named if that is certain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from homelab_netpol.findings import check_consumers, check_grants, check_hatch
from homelab_netpol.findings.finding import LONGEST, Finding
from homelab_netpol.findings.inspection import Check, Inspection
from tests.inspected import DOMAIN, Cluster, snapshot
from tests.unit.hand_made import Json, namespaces, policy, ports

PROFILE, ENFORCEMENT = f"{DOMAIN}/profile", f"{DOMAIN}/enforcement"
POSTGRES, KUBE_API = f"access.{DOMAIN}/postgres", f"access.{DOMAIN}/kube-api"
NAME = "kubernetes.io/metadata.name"
HOME: dict[str, Mapping[str, str]] = {name: {} for name in ("database", "monitoring")}
PODS: dict[str, Sequence[Mapping[str, str]]] = {"app": [{"app": "web"}, {"app": "job"}]}
OPEN = {PROFILE: "isolated", ENFORCEMENT: "disabled"}
WORLD = [{"fromEntities": ["world"]}]


def found(
    check: Check,
    *foreign: Json,
    app: Mapping[str, str],
    pods: Mapping[str, Sequence[Mapping[str, str]]] = PODS,
) -> list[Finding]:
    return Cluster({**HOME, "app": app}).findings(check, foreign, pods)


def tiered(name: str, priority: int, action: str, **peers: Any) -> Json:
    """A ClusterNetworkPolicy of the tier Admin with one rule."""
    section, way = ("ingress", "from") if "source" in peers else ("egress", "to")
    subject = {"namespaces": {"matchLabels": {NAME: "app"}}}
    rule = {"action": action, way: [next(iter(peers.values()))]}
    spec = {"tier": "Admin", "priority": priority, "subject": subject, section: [rule]}
    return {"kind": "ClusterNetworkPolicy", "metadata": {"name": name}, "spec": spec}


ALL_PODS: Json = {"namespaces": {}}


def test_a_deny_rule_under_an_open_hatch_is_told_with_what_it_denies() -> None:
    block = policy("block", "app", ingressDeny=[{**WORLD[0], "toPorts": ports(80)}])
    [finding] = found(check_hatch.check, block, app=OPEN)
    assert (finding.reason, finding.subject) == ("HatchDenied", "app")
    says = "CiliumNetworkPolicy block denies ingress from the internet (world) on TCP 80."
    assert says in finding.message
    assert not found(check_hatch.check, block, app={PROFILE: "isolated"})


@pytest.mark.parametrize(
    ("foreign", "words"),
    [
        (policy("x", "app", egressDeny=[{"toEntities": ["all"]}]), "every Namespace and nodes"),
        (policy("x", "app", egressDeny=[{"toPorts": ports(25)}]), "on TCP 25"),
        (policy("x", "app", ingressDeny=[{"fromEntities": ["host"]}]), "ingress from nodes"),
        (
            policy(
                "x", "", "CiliumClusterwideNetworkPolicy", egressDeny=[{"toCIDR": ["fd00::/8"]}]
            ),
            "CiliumClusterwideNetworkPolicy x denies egress to addresses fd00::/8 on every port",
        ),
        (tiered("x", 1, "Deny", source=ALL_PODS), "ClusterNetworkPolicy x denies ingress from"),
        (tiered("x", 1, "Deny", target={"networks": ["10.0.0.0/8"]}), "addresses 10.0.0.0/8"),
    ],
)
def test_each_kind_that_denies_is_told(foreign: Json, words: str) -> None:
    [finding] = found(check_hatch.check, foreign, app=OPEN)
    assert words in finding.message


@pytest.mark.parametrize(
    "foreign",
    [
        [policy("closed", "app", ingress=[], egress=[])],
        [policy("closed", "app", "NetworkPolicy", policyTypes=["Ingress", "Egress"])],
        [policy("gone", "app", pods={"app": "gone"}, ingressDeny=WORLD)],
        [policy("elsewhere", "database", ingressDeny=WORLD)],
        [policy("unknown", "app", egressDeny=[{"toCIDRSet": [{"cidrGroupRef": "x"}]}])],
        # What is asked first decides.
        [tiered("late", 9, "Deny", source=ALL_PODS), tiered("pass", 1, "Pass", source=ALL_PODS)],
        [tiered("late", 9, "Deny", source=ALL_PODS), tiered("yes", 1, "Accept", source=ALL_PODS)],
    ],
)
def test_what_denies_nothing_for_certain_is_not_told(foreign: list[Json]) -> None:
    assert not found(check_hatch.check, *foreign, app=OPEN)


def test_an_admin_rule_that_accepts_leaves_a_deny_rule_nothing_to_deny() -> None:
    pods = [{"fromEndpoints": namespaces("monitoring")}]
    deny = policy("deny", "app", ingressDeny=pods)
    assert found(check_hatch.check, deny, app=OPEN)
    accept = tiered("accept", 1, "Accept", source=ALL_PODS)
    assert not found(check_hatch.check, deny, accept, app=OPEN)


def test_a_deny_rule_of_the_last_tier_does_not_win_over_the_hatch() -> None:
    baseline = tiered("last", 1, "Deny", source=ALL_PODS)
    baseline["spec"]["tier"] = "Baseline"
    assert not found(check_hatch.check, baseline, app=OPEN)


def test_what_would_win_over_a_hatch_is_known_before_it_is_opened() -> None:
    block = policy("block", "app", ingressDeny=WORLD)
    everywhere = policy(
        "metadata", "", "CiliumClusterwideNetworkPolicy", egressDeny=[{"toCIDR": ["10.1.1.1/32"]}]
    )
    cluster = Cluster({**HOME, "app": {PROFILE: "isolated"}})
    inspection = Inspection(cluster.cache, snapshot([block, everywhere], PODS))
    assert not [*filter(None, inspection.sort()), *filter(None, check_hatch.check(inspection))]
    assert set(inspection.deny_rules) == {"app", "database", "monitoring"}
    assert "block denies ingress" in inspection.deny_rules["app"]
    assert "metadata denies egress to addresses 10.1.1.1/32" in inspection.deny_rules["app"]
    assert "block" not in inspection.deny_rules["database"]


def test_many_deny_rules_with_long_names_are_told_in_few_words() -> None:
    many = [
        policy(f"{'x' * 200}-{n}", "app", ingressDeny=WORLD, egressDeny=[{"toEntities": ["world"]}])
        for n in range(5)
    ]
    [finding] = found(check_hatch.check, *many, app=OPEN)
    assert len(finding.message) <= LONGEST
    assert "3 more policies" in finding.message
    assert finding.message.endswith("helps.")


DATABASE = [{"toEndpoints": namespaces("database")}]


def test_a_grant_that_its_holders_own_deny_rule_undoes_is_told() -> None:
    block = policy("block", "app", egressDeny=DATABASE)
    [finding] = found(check_consumers.check, block, app={POSTGRES: "true"})
    assert (finding.reason, finding.subject) == ("ConsumerDenies", "app")
    for words in ("grant postgres", "CiliumNetworkPolicy block", "database on TCP 5432"):
        assert words in finding.message


@pytest.mark.parametrize(
    ("grant", "foreign"),
    [
        (KUBE_API, policy("block", "app", egressDeny=[{"toEntities": ["kube-apiserver"]}])),
        (KUBE_API, policy("block", "app", egressDeny=[{"toEntities": ["all"]}])),
        (POSTGRES, policy("block", "app", egressDeny=[{"toPorts": ports(5432)}])),
        (POSTGRES, tiered("block", 1, "Deny", target=ALL_PODS)),
        (
            POSTGRES,
            policy("block", "", "CiliumClusterwideNetworkPolicy", egressDeny=DATABASE),
        ),
    ],
)
def test_each_kind_that_denies_a_grant_at_home_is_told(grant: str, foreign: Json) -> None:
    [finding] = found(check_consumers.check, foreign, app={grant: "true"})
    assert "block" in finding.message


@pytest.mark.parametrize(
    "foreign",
    [
        policy("block", "app", egressDeny=[{"toEndpoints": namespaces("monitoring")}]),
        policy("block", "app", egressDeny=[{"toEntities": ["world"]}]),
        policy("block", "app", egressDeny=[{**DATABASE[0], "toPorts": ports(80)}]),
        policy("block", "app", ingressDeny=[{"fromEndpoints": namespaces("database")}]),
        # Another pod of the namespace may be the one that uses it.
        policy("block", "app", pods={"app": "job"}, egressDeny=DATABASE),
        policy("closed", "app", egress=[{"toEndpoints": namespaces("monitoring")}]),
    ],
)
def test_a_grant_that_works_for_some_pod_is_not_told(foreign: Json) -> None:
    assert not found(check_consumers.check, foreign, app={POSTGRES: "true"})


def test_an_admin_rule_that_keeps_consumers_out_is_told_to_them() -> None:
    deny = tiered("admin", 1, "Deny", source=ALL_PODS)
    deny["spec"]["subject"] = {"namespaces": {"matchLabels": {NAME: "database"}}}
    pods: dict[str, list[Mapping[str, str]]] = {"database": [{}]}
    [finding] = found(check_grants.check, deny, app={POSTGRES: "true"}, pods=pods)
    assert finding.reason == "TargetDenies"
    assert "ClusterNetworkPolicy admin" in finding.message
    accept = tiered("accept", 0, "Accept", source=ALL_PODS)
    accept["spec"]["subject"] = deny["spec"]["subject"]
    assert not found(check_grants.check, deny, accept, app={POSTGRES: "true"}, pods=pods)
