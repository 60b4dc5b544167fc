"""What the owner of a platform namespace is told: policies that forget what each must have."""

from __future__ import annotations

import pytest

from homelab_netpol.cilium.evaluation import read_policies
from homelab_netpol.findings import FindingReason, platform_findings
from homelab_netpol.settings import Settings, parse_settings
from tests.unit.hand_made import Json, namespaces, policy, ports, rejected

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


def complete(pods: dict[str, str] | None = None) -> Json:
    return policy(egress=[DNS], ingress=[PROMETHEUS, HEALTH, KUBELET, SERVICE], pods=pods)


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
        " (kube-system k8s-app=kube-dns, UDP 53 and TCP 53) and HBONE (TCP 15008); to ingress add"
        " Prometheus (monitoring app.kubernetes.io/name=prometheus, the metrics port), probes"
        " (fromEntities [health] and fromCIDR [169.254.0.0/16]) and HBONE (TCP 15008)."
    )


def test_all_that_can_be_missing_fits_into_the_message() -> None:
    closed = policy("n" * 25, kind="NetworkPolicy", policyTypes=["Ingress", "Egress"])
    [message] = incomplete(closed, meshed=True)
    assert message.endswith("Only a CiliumNetworkPolicy can name health.")
    assert len(message) <= 400


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
    assert message.endswith("Only a CiliumNetworkPolicy can name health.")
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
    assert incomplete(unclear, rejected(policy("rejected", ingress=[{}]))) == []


def test_the_policies_of_other_namespaces_are_not_looked_at() -> None:
    assert incomplete(policy(namespace="cache", ingress=[{}])) == []
