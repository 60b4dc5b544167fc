"""Policies of others beside a profile: what adds nothing, or is meant, is not told."""

from __future__ import annotations

import pytest

from homelab_netpol.findings import check_widening
from homelab_netpol.findings.finding import Finding
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.settings import Settings
from tests.inspected import DOMAIN, Cluster
from tests.unit.hand_made import Json, namespaces, policy, ports, rejected
from tests.unit.widened import (
    ALLOW_ALL,
    APP,
    CCNP,
    HOME,
    NAME,
    PODS,
    PROFILE,
    WIDENS,
    WORLD,
    accept,
    ccnp,
    cnp,
    found,
    netpol,
    told,
)

DNS = [
    {
        "toEndpoints": [
            {
                "matchLabels": {"k8s-app": "kube-dns"}
                | {"k8s:io.kubernetes.pod.namespace": "kube-system"}
            }
        ],
        "toPorts": [{"ports": [{"port": "53", "protocol": "ANY"}], "rules": {"dns": [{}]}}],
    }
]


@pytest.mark.parametrize(
    ("foreign", "profile"),
    [
        (cnp(egress=[{**DNS[0], "toPorts": ports(53)}]), "isolated"),
        (cnp(ingress=[{"fromEntities": ["host", "health"]}]), "isolated"),
        (cnp(ingress=[{"fromCIDR": ["169.254.0.0/16"]}]), "isolated"),
        (cnp(ingress=[{"fromCIDR": ["169.254.7.127/32"]}]), "isolated"),
        (cnp(ingress=[{"fromEndpoints": [{}]}], egress=[{"toEndpoints": [{}]}]), "internal"),
        (netpol(ingress=[{"from": [{"podSelector": {"matchLabels": {"app": "a"}}}]}]), "internal"),
        (
            netpol(ingress=[{"from": [{"namespaceSelector": {"matchLabels": {NAME: "app"}}}]}]),
            "internal",
        ),
        (
            netpol(
                ingress=[
                    {
                        "from": [
                            {
                                "namespaceSelector": {"matchLabels": {NAME: "monitoring"}},
                                "podSelector": {
                                    "matchLabels": {"app.kubernetes.io/name": "prometheus"}
                                },
                            }
                        ],
                        "ports": [{"port": "metrics"}, {"port": 9090}],
                    }
                ]
            ),
            "isolated",
        ),
        (cnp(egress=[{"toEntities": ["world"], "toPorts": ports(443)}]), "standard"),
        (cnp(egress=[{"toCIDR": ["10.0.0.0/8", "::/0"], "toPorts": ports(443)}]), "standard"),
        (
            cnp(egress=[{"toFQDNs": [{"matchPattern": "*"}], "toPorts": ports(443)}]),
            "internal-egress",
        ),
        (netpol(policyTypes=["Ingress", "Egress"]), "isolated"),
        (cnp(ingress=[{"fromEndpoints": []}], egress=[{"toEndpoints": []}]), "isolated"),
        (cnp(ingress=[{}], egress=[{}]), "isolated"),
        (cnp(ingressDeny=[{"fromEntities": ["all"]}]), "isolated"),
        (cnp(egressDeny=[{"toEntities": ["all"]}]), "isolated"),
        (rejected(cnp(ingress=[{"fromEntities": ["all"]}])), "isolated"),
        (cnp(egress=[{"toServices": [{"k8sService": {"serviceName": "a"}}]}]), "isolated"),
        (cnp(egress=[{"toCIDRSet": [{"cidrGroupRef": "partners"}]}]), "isolated"),
        (ccnp(nodeSelector={}, ingress=[{"fromEntities": ["all"]}]), "isolated"),
        (accept(ingress=[{"action": "Deny", "from": [{"namespaces": {}}]}]), "isolated"),
        (accept(ingress=[{"action": "Pass", "from": [{"namespaces": {}}]}]), "isolated"),
        (
            cnp(
                ingress=[{"fromEntities": ["world"], "toPorts": ports(80)}],
                ingressDeny=[{"fromEntities": ["world"]}],
            ),
            "isolated",
        ),
    ],
)
def test_what_adds_nothing_is_not_told(foreign: Json, profile: str) -> None:
    assert not found(foreign, app={PROFILE: profile})


def test_what_a_grant_opens_is_not_told() -> None:
    rule = {"toEndpoints": namespaces("database"), "toPorts": ports(5432)}
    assert not found(cnp(egress=[rule]), app={**APP["app"], f"access.{DOMAIN}/postgres": "true"})
    assert "Namespace database on TCP 5432" in told(cnp(egress=[rule]))


def test_other_nodes_are_told_as_probes_leave_them_out() -> None:
    cluster = Cluster({**HOME, **APP}, Catalogue(Settings()))
    rule = cnp(ingress=[{"fromEntities": ["remote-node"]}])
    [finding] = cluster.findings(check_widening.check, [rule], PODS)
    assert "ingress from nodes on every port" in finding.message


def test_intra_namespace_by_its_label_is_not_told() -> None:
    both: Json = {"ingress": [{"fromEndpoints": [{}]}], "egress": [{"toEndpoints": [{}]}]}
    assert not found(cnp(**both), app={**APP["app"], f"{DOMAIN}/intra-namespace": "allow"})
    closed = {PROFILE: "standard", f"{DOMAIN}/intra-namespace": "deny"}
    assert "its own Namespace" in told(cnp(**both), app=closed)


def test_a_policy_of_pods_that_are_not_there_is_not_told() -> None:
    opens = {"ingress": [{"fromEntities": ["world"]}]}
    assert not found(cnp(pods={"app": "gone"}, **opens))
    assert WORLD in told(cnp(pods={"app": "job"}, **opens))


def test_a_policy_of_whatever_pods_there_are_is_told_before_the_first_one_comes() -> None:
    assert WORLD in told(netpol(**ALLOW_ALL), pods={})


def test_another_policys_deny_rule_can_keep_a_rule_from_adding_anything() -> None:
    opens = cnp(ingress=[{"fromEntities": ["world"], "toPorts": ports(80, 81)}])
    denies = policy("denies", "app", ingressDeny=[{"fromEntities": ["world"]}])
    assert not found(opens, denies)
    in_part = policy(
        "denies", "app", ingressDeny=[{"fromEntities": ["world"], "toPorts": ports(80)}]
    )
    assert "on TCP 81." in told(opens, in_part)


def test_a_policy_that_is_not_understood_does_not_hide_what_another_adds() -> None:
    odd = policy("odd", "app", ingress=[{"fromTheFuture": []}])
    assert WORLD in told(netpol(**ALLOW_ALL), odd)


@pytest.mark.parametrize("value", ["", " "])
def test_an_empty_acknowledgement_says_nothing(value: str) -> None:
    foreign = netpol(**ALLOW_ALL)
    foreign["metadata"]["annotations"] = {WIDENS: value}
    assert found(foreign)
    foreign["metadata"]["annotations"] = {WIDENS: "games with friends"}
    assert not found(foreign)


@pytest.mark.parametrize(
    "labels", [{}, {PROFILE: "isolated", f"{DOMAIN}/enforcement": "disabled"}, {PROFILE: "unknown"}]
)
def test_whoever_has_no_profile_in_force_is_not_told(labels: dict[str, str]) -> None:
    cluster = Cluster({**HOME, "app": labels})
    foreign = netpol(**ALLOW_ALL)
    assert not cluster.findings(check_widening.check, [foreign], PODS)


def test_whose_policies_do_not_stand_yet_is_not_told() -> None:
    cluster = Cluster({**HOME, **APP})
    [profile] = [one for one in cluster.cache.policies.all() if one.key.name == "homelab-profile"]
    assert cluster.findings(check_widening.check, [netpol(**ALLOW_ALL)], PODS)
    cluster.cache.policies.record_delete(profile)
    assert not cluster.findings(check_widening.check, [netpol(**ALLOW_ALL)], PODS)


def test_of_many_namespaces_one_finding_is_about_the_clusterwide_policy() -> None:
    opens = ccnp(egress=[{"toEntities": ["world"]}])

    def of(count: int) -> list[Finding]:
        names = {f"app-{number}": APP["app"] for number in range(count)}
        cluster = Cluster({**HOME, **names})
        return cluster.findings(check_widening.check, [opens])

    assert [finding.subject for finding in of(8)] == [f"app-{number}" for number in range(8)]
    [one] = of(9)
    assert one.subject == ""
    assert one.about is not None
    assert str(one.about) == f"{CCNP} theirs"
    assert "9 Namespaces do (app-0, app-1, app-2 and 6 more)" in one.message


def test_the_longest_names_leave_room_for_what_to_do() -> None:
    rules = [
        {"fromEndpoints": namespaces(f"{'n' * 50}-{number}"), "toPorts": ports(8000 + number)}
        for number in range(40)
    ]
    foreign = policy("p" * 250, "app", ingress=rules, egress=[{"toEntities": ["world"]}])
    message = told(foreign)
    assert "ingress from Namespace n" in message
    assert "egress to" in message
    assert message.endswith("why it is meant.")
