"""What NetworkProfiles and SharedResources amount to, beyond what whole worlds would notice."""

from __future__ import annotations

from typing import Any

import pytest

from homelab_netpol.definitions import Definitions, UnusableReason, read_profile, read_resource
from homelab_netpol.intent import WHOLE, Intent
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.diff import Change, Create, Delete, Replace, in_steps
from homelab_netpol.policy.keys import Component, Kind, PolicyKey
from homelab_netpol.policy.objects import LivePolicy, Policy
from homelab_netpol.policy.plan import Planner
from homelab_netpol.settings import Settings, parse_settings

MESHED = Intent("app", profile="own", meshed=True, intra_namespace=False)
GATEWAY = "gateway.networking.k8s.io/gateway-name"
HOME = "io.kubernetes.pod.namespace"


def catalogue(profile: Any = None, resource: Any = None, settings: str = "") -> Catalogue:
    """One of each, called `own`, where it is given."""
    definitions = Definitions(
        {"own": read_profile({"metadata": {"name": "own"}, "spec": profile})} if profile else {},
        {"own": read_resource({"metadata": {"name": "own"}, "spec": resource})} if resource else {},
    )
    return Catalogue(parse_settings(settings) if settings else Settings(), definitions)


@pytest.mark.parametrize(
    ("selector", "gateways"),
    [
        ({"matchLabels": {f"k8s:{HOME}": "istio-gateway", GATEWAY: "external"}}, {"external"}),
        ({"matchLabels": {HOME: "istio-gateway"}}, {"internal", "external"}),
        (
            {"matchExpressions": [{"key": HOME, "operator": "In", "values": ["istio-gateway"]}]},
            {"internal", "external"},
        ),
        ({"matchLabels": {f"k8s:{HOME}": "istio-gateway", "app": "one-of-them"}}, set()),
        ({"matchLabels": {GATEWAY: "external"}}, set()),
        ({"matchExpressions": [{"key": HOME, "operator": "Exists"}]}, set()),
        ({"matchLabels": {HOME: "elsewhere", GATEWAY: "external"}}, set()),
    ],
)
def test_a_gateway_is_let_in_however_the_rule_is_spelt(
    selector: dict[str, Any], gateways: set[str]
) -> None:
    made = catalogue({"ingress": [{"fromEndpoints": [selector]}]})
    named = {
        which for which in ("internal", "external") if made.profiles.gateways_named_by("own", which)
    }
    assert named == gateways


def test_a_rule_for_a_gateway_on_one_port_opens_one_port_in_the_tunnel() -> None:
    selector = {"matchLabels": {f"k8s:{HOME}": "istio-gateway", f"k8s:{GATEWAY}": "internal"}}
    ports = [{"ports": [{"port": "8080", "protocol": "TCP"}]}]
    profile = {"ingress": [{"fromEndpoints": [selector], "toPorts": ports}]}
    made = catalogue(profile, settings="mesh: {authorizationPolicies: true}")
    plan = Planner(made).namespace(MESHED, lambda _: True)
    [policy] = [each for each in plan.policies if each.key.kind is Kind.AUTHORIZATION]
    admitted = [rule for rule in policy.body["spec"]["rules"] if "istio-gateway" in str(rule)]
    assert [rule["to"] for rule in admitted] == [[{"operation": {"ports": ["8080"]}}]]


@pytest.mark.parametrize(("protocol", "tunnel"), [("TCP", True), ("UDP", False), ("SCTP", False)])
def test_a_grant_opens_the_tunnel_for_tcp_only(protocol: str, tunnel: bool) -> None:
    made = catalogue(
        resource={"namespace": "games", "ports": [{"port": 8000, "protocol": protocol}]}
    )
    planner, consumer = Planner(made), Intent("app", grants=("own",), meshed=True)
    written = planner.namespace(consumer, lambda _: True).policies
    written += planner.beside("own", {"app": WHOLE}, Intent("games", meshed=True), lambda _: True)
    assert len(written) == 2
    assert ["15008" in str(policy.body) for policy in written] == [tunnel, tunnel]


def test_who_may_not_ask_is_not_let_in_by_a_hatch_of_his_own() -> None:
    planner = Planner(catalogue())
    assert planner.let_in(Intent("app", hatch_open=True), "postgres") == WHOLE
    barred = Intent("app", hatch_open=True, may_not_ask=frozenset({"postgres"}))
    assert planner.let_in(barred, "postgres") is None


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"allowForm": {}}, "spec.allowForm"),
        ({"ports": []}, "spec.ports"),
        ({"cidrs": ["192.0.2.1"]}, "spec.cidrs[0]"),
        ({"entities": ["wrold"], "cidrs": []}, "spec.entities[0]"),
        ({"namespace": "a"}, "exactly one of"),
        ({"cidrSets": [{"cidr": "10.0.0.0/8", "except": ["192.0.2.0/24"]}]}, "spec.cidrSets[0]"),
        ({"cidrSets": [{"cidr": "10.0.0.0/8", "except": ["fd00::/8"]}]}, "is not inside"),
        ({"cidrSets": [{"cidr": "10.0.0.0/8", "except": ["10.0.0.0/8"]}]}, "nothing is left"),
        (
            {"cidrSets": [{"cidr": "10.0.0.0/8", "except": ["10.1.2.0/24", "10.1.0.0/16"]}]},
            "10.1.2.0/24 and 10.1.0.0/16 overlap",
        ),
        ({"cidrSets": [{"cidr": "10.0.0.0/8", "exept": []}]}, "spec.cidrSets[0].exept"),
        ({"cidrSets": [{"cidr": "10.0.0.1"}]}, "spec.cidrSets[0].cidr"),
        ({"cidrGroups": ["Lan"]}, "spec.cidrGroups[0]"),
        ({"valueLabel": "app"}, "`valueLabel` needs a `namespace`"),
        ({"allowAll": False}, "needs a `valueLabel`"),
        ({"valueLabel": "a b"}, "spec.valueLabel"),
        ({"target": "exclusive"}, "need a `namespace`"),
        ({"ports": [{"port": 80, "endPort": 79}]}, "spec.ports[0]"),
        ({"fqdns": [{"matchName": "a", "matchPattern": "b"}], "cidrs": []}, "spec.fqdns[0]"),
        ({"allowFrom": {"matchExpressions": [{"key": "a", "operator": "In"}]}}, "matchExpressions"),
    ],
)
def test_a_mistake_in_a_shared_resource_is_named_by_its_path(
    spec: dict[str, Any], path: str
) -> None:
    good = {"cidrs": ["192.0.2.0/24"], "ports": [{"port": 80}]}
    read = read_resource({"metadata": {"name": "own", "generation": 3}, "spec": {**good, **spec}})
    assert read.problem is not None
    assert read.problem.reason is UnusableReason.SPEC_INVALID
    assert path in read.problem.message


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        ({"cidrGroupRef": "lan"}, None),
        ({"cidrGroupRef": "Lan_1"}, "toCIDRSet[0].cidrGroupRef"),
        ({"cidr": "10.0.0.0/8", "cidrGroupRef": "lan"}, "give exactly one of"),
        ({"cidrGroupRef": "lan", "except": ["10.0.0.0/8"]}, "toCIDRSet[0].except"),
        ({"cidrGroupSelector": {"matchLabels": {"a": "b"}}}, "each by `cidrGroupRef`"),
        ({"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16", "10.2.0.0/16"]}, None),
        ({"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16", "10.1.0.0/24"]}, "overlap"),
        ({"cidr": "10.0.0.0/8", "except": ["10.0.0.0/8"]}, "nothing is left"),
    ],
)
def test_networks_of_a_group_or_without_some_parts_are_taken_in_a_profile(
    item: dict[str, Any], problem: str | None
) -> None:
    rule = {"toCIDRSet": [item], "toPorts": [{"ports": [{"port": "443", "protocol": "TCP"}]}]}
    found = read_profile({"metadata": {"name": "own"}, "spec": {"egress": [rule]}}).problem
    assert (found is None) == (problem is None), found
    assert found is None or (problem or "") in found.message


def test_a_group_of_networks_is_granted_by_its_name_beside_networks() -> None:
    spec = {"cidrs": ["192.0.2.0/24"], "cidrGroups": ["lan"], "ports": [{"port": 443}]}
    consumer = Intent("app", grants=("own",))
    [policy] = Planner(catalogue(resource=spec)).namespace(consumer, lambda _: False).policies
    [rule] = policy.body["spec"]["egress"]
    assert rule["toCIDRSet"] == [{"cidr": "192.0.2.0/24"}, {"cidrGroupRef": "lan"}]


def test_http_rules_on_the_port_of_dns_are_refused() -> None:
    """Beside `toFQDNs` of any policy Cilium could not put them in force."""
    ports = {"ports": [{"port": "53", "protocol": "TCP"}], "rules": {"http": [{"path": "/"}]}}
    spec = {"egress": [{"toEntities": ["world"], "toPorts": [ports]}]}
    problem = read_profile({"metadata": {"name": "own"}, "spec": spec}).problem
    assert problem is not None
    assert "spec.egress[0].toPorts[0]" in problem.message


def test_what_only_allows_comes_first_and_the_hatch_goes_last() -> None:
    def policy(name: str) -> Policy:
        key = PolicyKey(Kind.CNP, "app", name)
        return Policy(key, Component.PROFILE, {}, {"spec": {}}, name)

    def live(name: str) -> LivePolicy:
        return LivePolicy(PolicyKey(Kind.CNP, "app", name), "1", "1", {}, {}, "", "")

    profile, hatch, access = "homelab-profile", "homelab-escape-hatch", "homelab-access-postgres"
    opening: list[Change] = [Replace(policy(profile), live(profile)), Create(policy(hatch))]
    assert [names(step) for step in in_steps(opening)] == [[hatch], [profile]]
    closing = [Delete(live(hatch)), Delete(live(access)), Delete(live(profile))]
    assert [names(step) for step in in_steps(closing)] == [[profile], [access], [hatch]]
    moving: list[Change] = [
        Delete(live(access)),
        Create(policy(profile)),
        Create(policy("homelab-access-s3")),
    ]
    steps = [names(step) for step in in_steps(moving)]
    assert steps == [["homelab-access-s3"], [profile], [access]]


def names(step: list[Change]) -> list[str]:
    return [(c.live if isinstance(c, Delete) else c.policy).key.name for c in step]
