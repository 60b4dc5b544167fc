"""What a grant's owner is told: its target is not there, or shuts the namespace out."""

from __future__ import annotations

import pytest

from homelab_netpol.cilium.evaluation import read_policies
from homelab_netpol.findings import (
    Finding,
    FindingReason,
    GrantedPort,
    GrantedResource,
    TargetFacts,
    grant_findings,
)
from tests.unit.hand_made import Json, namespaces, policy, ports, rejected

APP: dict[str, dict[str, str] | None] = {"my-app": {"team": "web"}}
POSTGRES = GrantedResource("postgres", "database", (GrantedPort(5432),))
BY_HAND = GrantedResource("postgres", "database", (GrantedPort(5432),), granted_by_us=False)
PODS: tuple[dict[str, str], ...] = ({"app": "pg", "pod": "0"}, {"app": "pg", "pod": "1"})


def found(
    resource: GrantedResource,
    *policies: Json,
    pods: tuple[dict[str, str], ...] | None = PODS,
    consumers: dict[str, dict[str, str] | None] | None = None,
) -> list[Finding]:
    target = TargetFacts(pods=pods, policies=read_policies(policies))
    return about(resource, target, consumers or APP)


def about(
    resource: GrantedResource,
    target: TargetFacts,
    consumers: dict[str, dict[str, str] | None],
) -> list[Finding]:
    return [found for found in grant_findings(resource, target, consumers) if found is not None]


def reasons(findings: list[Finding]) -> list[str]:
    return [finding.reason.value for finding in findings]


def test_a_missing_namespace_is_told_to_each_consumer() -> None:
    findings = about(POSTGRES, TargetFacts(exists=False), {"a": None, "b": {}})
    assert [finding.subject for finding in findings] == ["a", "b"]
    assert reasons(findings) == ["TargetNamespaceMissing"] * 2
    assert "namespace database does not exist" in findings[0].message


def test_a_terminating_namespace_is_told() -> None:
    [finding] = about(POSTGRES, TargetFacts(terminating=True), APP)
    assert finding.reason == "TargetNamespaceTerminating"


def test_a_selector_that_matches_no_pod_is_told_with_its_labels() -> None:
    resource = GrantedResource("pg", "database", (GrantedPort(5432),), {"app": "postgres"})
    [finding] = found(resource)
    assert finding.reason == "TargetHasNoPods"
    assert "no pod of namespace database has the labels app=postgres" in finding.message


def test_an_empty_namespace_is_told_and_unknown_pods_are_not() -> None:
    assert reasons(found(POSTGRES, pods=())) == ["TargetHasNoPods"]
    assert found(POSTGRES, pods=None) == []


def test_a_default_deny_does_not_keep_out_whom_the_operator_lets_in() -> None:
    closed = policy(ingress=[{"fromEndpoints": namespaces("monitoring")}])
    assert found(POSTGRES, closed) == []


def test_a_deny_rule_keeps_everybody_out_whom_it_hits() -> None:
    deny = policy(
        "no-web", ingressDeny=[{"fromEndpoints": namespaces("my-app"), "toPorts": ports(5432)}]
    )
    [finding] = found(POSTGRES, deny, consumers={"my-app": {}, "other": {}})
    assert (finding.reason, finding.subject) == ("TargetDenies", "my-app")
    assert "a deny rule of CiliumNetworkPolicy no-web in database" in finding.message
    assert "TCP 5432" in finding.message


def test_a_deny_rule_on_another_port_or_for_some_of_the_consumers_pods_is_not_told() -> None:
    elsewhere = policy(ingressDeny=[{"fromEndpoints": namespaces("my-app"), "toPorts": ports(80)}])
    [mine] = namespaces("my-app")
    mine["matchLabels"]["app"] = "job"
    some = policy(ingressDeny=[{"fromEndpoints": [mine]}])
    assert found(POSTGRES, elsewhere) == []
    assert found(POSTGRES, some) == []


def test_a_deny_rule_on_a_part_of_the_granted_range_is_told() -> None:
    deny = policy(ingressDeny=[{"fromEndpoints": namespaces("my-app"), "toPorts": ports(6005)}])
    [finding] = found(GrantedResource("game", "database", (GrantedPort(6000, 6010),)), deny)
    assert "TCP 6000-6010" in finding.message


@pytest.mark.parametrize("kind", ["CiliumNetworkPolicy", "NetworkPolicy"])
def test_without_our_own_policy_a_default_deny_that_lacks_the_consumer_is_told(kind: str) -> None:
    spec: Json = {"policyTypes": ["Ingress"]} if kind == "NetworkPolicy" else {"ingress": [{}]}
    [finding] = found(BY_HAND, policy(kind=kind, **spec))
    assert finding.reason == FindingReason.TARGET_DENIES
    assert f"{kind} closed in database lets in only whom a rule allows" in finding.message
    assert "none allows namespace my-app on TCP 5432" in finding.message
    assert "Add an ingress rule" in finding.message


def test_a_policy_that_lets_the_consumer_in_is_enough() -> None:
    closed = policy(ingress=[{}])
    by_name = policy("by-name", ingress=[{"fromEndpoints": namespaces("my-app")}])
    peer = {"namespaceSelector": {"matchLabels": {"team": "web"}}}
    rule = {"from": [peer], "ports": [{"port": 5432}]}
    by_label = policy("by-label", kind="NetworkPolicy", ingress=[rule])
    assert found(BY_HAND, closed, by_name) == []
    assert found(BY_HAND, closed, by_label) == []
    assert reasons(found(BY_HAND, closed, by_label, consumers={"x": {}})) == ["TargetDenies"]


def test_what_is_not_understood_is_no_finding() -> None:
    closed = policy(ingress=[{}])
    unclear = policy("unclear", ingress=[{"fromTheFuture": ["x"]}])
    by_port_name = policy("named", ingress=[{"toPorts": [{"ports": [{"port": "pg"}]}]}])
    assert found(BY_HAND, closed, unclear) == []
    assert found(BY_HAND, closed, by_port_name) == []


def test_a_policy_that_cilium_rejects_denies_nobody() -> None:
    assert found(BY_HAND, rejected(policy(ingress=[{}]))) == []


def test_an_edit_that_cilium_rejects_may_have_left_the_policy_before_it_in_force() -> None:
    closed = policy(ingress=[{}])
    assert found(BY_HAND, closed, rejected(policy("edited", ingress=[{}]), generation=2)) == []


@pytest.mark.parametrize("label", ["pod-template-hash", "kubernetes.io/arch", "k8s.io/cluster"])
def test_a_selector_by_a_label_that_cilium_leaves_out_is_no_finding(label: str) -> None:
    closed = policy(pods={label: "x"}, ingress=[{}])
    assert found(BY_HAND, closed, pods=({label: "x"},)) == []


def test_without_chosen_pods_one_open_pod_is_enough_and_of_chosen_ones_all_count() -> None:
    closed = policy(pods={"pod": "0"}, ingress=[{}])
    assert found(BY_HAND, closed) == []
    chosen = GrantedResource(
        "postgres", "database", (GrantedPort(5432),), {"app": "pg"}, granted_by_us=False
    )
    [finding] = found(chosen, closed)
    assert finding.reason == FindingReason.TARGET_DENIES
    assert "does not reach all of its pods" in finding.message


def test_of_two_causes_the_deny_rule_is_told_with_its_own_port_only() -> None:
    both = GrantedResource(
        "db", "database", (GrantedPort(5432), GrantedPort(8008)), granted_by_us=False
    )
    deny = policy("deny", ingressDeny=[{"fromEntities": ["cluster"], "toPorts": ports(8008)}])
    [finding] = found(both, policy(ingress=[{}]), deny)
    assert "a deny rule of CiliumNetworkPolicy deny in database" in finding.message
    assert "on TCP 8008," in finding.message


def test_rules_that_look_at_requests_are_told_unless_the_operator_opens_the_port() -> None:
    [to_ports] = ports(5432)
    to_ports["rules"] = {"http": [{"path": "/public"}]}
    http = policy(ingress=[{"fromEndpoints": namespaces("my-app"), "toPorts": [to_ports]}])
    assert reasons(found(BY_HAND, http)) == ["TargetFilters"]
    assert found(POSTGRES, http) == []


def test_the_same_facts_give_the_same_words_whatever_their_order() -> None:
    policies = [policy(name, ingress=[{}]) for name in ("b", "a", "c")]
    [one] = found(BY_HAND, *policies)
    [other] = found(BY_HAND, *reversed(policies), pods=PODS[::-1])
    assert one == other
    assert "CiliumNetworkPolicy a in database, CiliumNetworkPolicy b in database and 1 more" in str(
        one.message
    )


def test_no_message_is_longer_than_an_event_reads_well() -> None:
    long = [policy(letter * 253, ingress=[{}]) for letter in "abcd"]
    many = tuple(GrantedPort(1000 + number) for number in range(40))
    resource = GrantedResource("r" * 63, "database", many, granted_by_us=False)
    [finding] = found(resource, *long, consumers={"n" * 63: {}})
    assert len(finding.message) <= 400
