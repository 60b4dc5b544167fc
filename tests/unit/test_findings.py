"""What owners of namespaces are told: a grant's target that is not there, or that shuts them out;
a platform namespace's policy that forgets what each must have."""

from __future__ import annotations

from typing import Any

import pytest

from homelab_netpol.settings import Settings, parse_settings
from homelab_netpol.verdict import (
    Finding,
    FindingReason,
    GrantedPort,
    GrantedResource,
    TargetFacts,
    grant_findings,
    platform_findings,
    read_policies,
)

APP: dict[str, dict[str, str] | None] = {"my-app": {"team": "web"}}
POSTGRES = GrantedResource("postgres", "database", (GrantedPort(5432),))
BY_HAND = GrantedResource("postgres", "database", (GrantedPort(5432),), granted_by_us=False)
PODS: tuple[dict[str, str], ...] = ({"app": "pg", "pod": "0"}, {"app": "pg", "pod": "1"})

Json = dict[str, Any]


def policy(
    name: str = "closed",
    namespace: str = "database",
    kind: str = "CiliumNetworkPolicy",
    pods: dict[str, str] | None = None,
    **spec: Any,
) -> Json:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    selector = {"matchLabels": pods} if pods else {}
    subject = "podSelector" if kind == "NetworkPolicy" else "endpointSelector"
    return {"kind": kind, "metadata": metadata, "spec": {subject: selector, **spec}}


def namespaces(*names: str) -> list[Json]:
    return [{"matchLabels": {"k8s:io.kubernetes.pod.namespace": name}} for name in names]


def ports(*numbers: int, protocol: str = "TCP") -> list[Json]:
    return [{"ports": [{"port": str(number), "protocol": protocol} for number in numbers]}]


def found(
    resource: GrantedResource,
    *policies: Json,
    pods: tuple[dict[str, str], ...] | None = PODS,
    consumers: dict[str, dict[str, str] | None] | None = None,
) -> list[Finding]:
    target = TargetFacts(pods=pods, policies=read_policies(policies))
    return grant_findings(resource, target, consumers or APP)


def reasons(findings: list[Finding]) -> list[str]:
    return [finding.reason.value for finding in findings]


# Grants.


def test_a_missing_namespace_is_told_to_each_consumer() -> None:
    findings = grant_findings(POSTGRES, TargetFacts(exists=False), {"a": None, "b": {}})
    assert [finding.subject for finding in findings] == ["a", "b"]
    assert reasons(findings) == ["TargetNamespaceMissing"] * 2
    assert "namespace database does not exist" in findings[0].message


def test_a_terminating_namespace_is_told() -> None:
    [finding] = grant_findings(POSTGRES, TargetFacts(terminating=True), APP)
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
    rejected = policy(ingress=[{}])
    rejected["status"] = {"conditions": [{"type": "Valid", "status": "False"}]}
    assert found(BY_HAND, rejected) == []


def test_without_chosen_pods_one_open_pod_is_enough_and_of_chosen_ones_all_count() -> None:
    closed = policy(pods={"pod": "0"}, ingress=[{}])
    assert found(BY_HAND, closed) == []
    chosen = GrantedResource(
        "postgres", "database", (GrantedPort(5432),), {"app": "pg"}, granted_by_us=False
    )
    assert reasons(found(chosen, closed)) == ["TargetDenies"]


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


# Platform namespaces.

SETTINGS = Settings()
DNS = {
    "toEndpoints": [
        {"matchLabels": {"k8s:io.kubernetes.pod.namespace": "kube-system", "k8s-app": "kube-dns"}}
    ],
    "toPorts": [{"ports": [{"port": "53", "protocol": "ANY"}]}],
}
PROMETHEUS = {"fromEndpoints": namespaces("monitoring"), "toPorts": ports(9187)}
HEALTH = {"fromEntities": ["health"]}
KUBELET = {"fromCIDR": ["169.254.0.0/16"]}
FROM_ZTUNNEL = {"fromEndpoints": namespaces("istio-system"), "toPorts": ports(15008)}
TO_CLUSTER = {"toEntities": ["cluster"], "toPorts": ports(15008)}
SERVICE = {"fromEndpoints": namespaces("my-app"), "toPorts": ports(5432)}


def complete(**spec: Any) -> Json:
    return policy(egress=[DNS], ingress=[PROMETHEUS, HEALTH, KUBELET, SERVICE], **spec)


def incomplete(*policies: Json, meshed: bool = False, settings: Settings = SETTINGS) -> list[str]:
    findings = platform_findings("database", read_policies(policies), settings, meshed=meshed)
    assert all(finding.subject == "database" for finding in findings)
    assert {finding.reason for finding in findings} <= {FindingReason.PLATFORM_POLICY_INCOMPLETE}
    return [finding.message for finding in findings]


def test_a_policy_with_every_required_rule_is_fine() -> None:
    assert incomplete(complete()) == []


def test_a_policy_without_any_is_told_all_that_is_missing_in_one_finding() -> None:
    [message] = incomplete(policy(egress=[{}], ingress=[SERVICE]), meshed=True)
    assert message == (
        "CiliumNetworkPolicy closed in database lacks required rules: to egress add DNS"
        " (kube-system k8s-app=kube-dns, UDP 53 and TCP 53) and HBONE (TCP 15008, ztunnel and"
        " meshed peers); to ingress add Prometheus (monitoring app.kubernetes.io/name=prometheus,"
        " the metrics port), probes (fromEntities [health] and fromCIDR [169.254.0.0/16]) and HBONE"
        " (TCP 15008, ztunnel and meshed peers)."
    )


@pytest.mark.parametrize(
    ("lacking", "word"),
    [(PROMETHEUS, "Prometheus"), (HEALTH, "[health]"), (KUBELET, "[169.254.0.0/16]")],
)
def test_each_forgotten_ingress_rule_is_named(lacking: Json, word: str) -> None:
    rules = [rule for rule in (PROMETHEUS, HEALTH, KUBELET, SERVICE) if rule is not lacking]
    [message] = incomplete(policy(ingress=rules))
    assert word in message
    assert "egress" not in message, "a policy that leaves egress open needs no rule there"


def test_dns_over_one_of_its_protocols_is_half_of_it() -> None:
    only_udp = {**DNS, "toPorts": ports(53, protocol="UDP")}
    [message] = incomplete(policy(egress=[only_udp]))
    assert "TCP 53)" in message
    assert "UDP" not in message


def test_a_part_of_the_probes_network_is_not_all_of_it() -> None:
    rules = [PROMETHEUS, HEALTH, {"fromCIDR": ["169.254.7.127/32"]}]
    assert len(incomplete(policy(ingress=rules))) == 1


def test_what_is_open_to_all_lacks_nothing() -> None:
    everything = policy(ingress=[{"fromEntities": ["all"]}], egress=[{"toEntities": ["all"]}])
    assert incomplete(everything, meshed=True) == []


def test_a_policy_that_closes_nothing_lacks_nothing() -> None:
    additive = policy(ingress=[SERVICE], enableDefaultDeny={"ingress": False})
    assert incomplete(additive, meshed=True) == []


@pytest.mark.parametrize(
    ("pods", "others", "fine"),
    [
        ({"app": "pg"}, {"app": "pg"}, True),
        ({"app": "pg"}, None, True),
        ({"app": "pg", "tier": "x"}, {"app": "pg"}, True),
        ({"app": "pg"}, {"app": "backup"}, False),
        (None, {"app": "pg"}, False),
    ],
)
def test_policies_of_the_same_pods_complete_each_other(
    pods: dict[str, str] | None, others: dict[str, str] | None, fine: bool
) -> None:
    own = policy("own", pods=pods, ingress=[SERVICE])
    messages = incomplete(own, complete(pods=others))
    assert [message for message in messages if " own " in message] == ([] if fine else messages)
    assert bool(messages) is not fine


def test_a_clusterwide_policy_may_supply_what_is_missing_and_is_not_told_about() -> None:
    own = policy(egress=[{}])
    dns = policy("dns", "", "CiliumClusterwideNetworkPolicy", egress=[DNS])
    assert incomplete(own, dns) == []


def test_a_meshed_namespace_needs_the_tunnel_both_ways() -> None:
    assert len(incomplete(complete(), meshed=True)) == 1
    both = policy(
        egress=[DNS, TO_CLUSTER], ingress=[PROMETHEUS, HEALTH, KUBELET, FROM_ZTUNNEL, SERVICE]
    )
    assert incomplete(both, meshed=True) == []


def test_a_network_policy_is_told_what_it_cannot_say_itself() -> None:
    closed = policy(kind="NetworkPolicy", policyTypes=["Ingress"])
    [message] = incomplete(closed)
    assert message.endswith(
        "A NetworkPolicy cannot name health: use a CiliumNetworkPolicy for that."
    )
    assert len(incomplete(policy(kind="NetworkPolicy", ingress=[{}]))) == 0


def test_what_is_required_follows_the_settings() -> None:
    settings = parse_settings(
        "dns: {namespace: dns, labels: {app: unbound}}\n"
        "probes: {entities: [host], cidrs: []}\nprometheus: {ports: [9100]}"
    )
    [message] = incomplete(complete(), settings=settings)
    assert "DNS (dns app=unbound" in message
    assert "Prometheus" in message, "9187 is open, and 9100 is what is scraped"
    assert "probes" not in message


def test_a_policy_that_is_not_understood_or_not_in_force_is_not_told_about() -> None:
    unclear = policy("unclear", ingress=[{"fromTheFuture": []}])
    rejected = policy("rejected", ingress=[{}])
    rejected["status"] = {"conditions": [{"type": "Valid", "status": "False"}]}
    assert incomplete(unclear, rejected) == []


def test_the_policies_of_other_namespaces_are_not_looked_at() -> None:
    assert incomplete(policy(namespace="cache", ingress=[{}])) == []
