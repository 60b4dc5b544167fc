"""What the rules' examples claim about traffic, in Cilium's own engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import yaml

from homelab_netpol.lint import BY_ID
from lab.control_plane import Engine, Flow, Identity

POLICIES = ("CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy", "NetworkPolicy")
MEDIA = {"team": "media"}
ENDS = {
    "web": Identity.pod("photos", {"app": "web", "app.kubernetes.io/name": "web"}, MEDIA),
    "proxy": Identity.pod("photos", {"app": "proxy"}, MEDIA),
    "production": Identity.pod("photos", {"app": "proxy", "env": "production"}, MEDIA),
    "worker": Identity.pod("photos", {"app": "worker"}, MEDIA),
    "homepage": Identity.pod("dashboard", {"app": "homepage"}),
    "prometheus": Identity.pod(
        "monitoring", {"app": "prometheus", "app.kubernetes.io/name": "prometheus"}
    ),
    "grafana": Identity.pod("monitoring", {"app": "grafana"}),
    "postgres": Identity.pod("database", {"app": "postgres"}),
    "dns": Identity.pod("kube-system", {"k8s-app": "kube-dns"}),
    "voice": Identity.pod("voice"),
    "exporter": Identity.pod("metrics", {"app": "exporter"}),
    "nas": Identity.address("192.168.1.10/32"),
    "laptop": Identity.address("192.168.1.77/32"),
    "camera": Identity.address("192.168.66.7/32"),
    "ipv4": Identity.address("203.0.113.7/32"),
    "ipv6": Identity.address("2001:db8::7/128"),
}
ALLOWED, DENIED = "allowed", "denied"
Case = tuple[str, str, str, int, str, str]

# Rule, source, target, port: what becomes of it under the wrong example, and under the right one.
CASES: Sequence[Case] = (
    ("NP007", "ipv4", "web", 443, ALLOWED, ALLOWED),
    ("NP007", "ipv6", "web", 443, DENIED, ALLOWED),
    ("NP007", "homepage", "web", 443, DENIED, DENIED),
    ("NP008", "homepage", "web", 9999, ALLOWED, DENIED),
    ("NP008", "homepage", "web", 8080, ALLOWED, ALLOWED),
    ("NP103", "homepage", "worker", 80, ALLOWED, DENIED),
    ("NP106", "homepage", "web", 8080, ALLOWED, DENIED),
    ("NP106", "proxy", "web", 8080, ALLOWED, ALLOWED),
    ("NP109", "web", "dns", 53, DENIED, ALLOWED),
    ("NP110", "laptop", "web", 80, DENIED, ALLOWED),
    ("NP110", "camera", "web", 80, DENIED, DENIED),
    ("NP111", "homepage", "web", 8080, ALLOWED, DENIED),
    ("NP112", "homepage", "web", 8080, DENIED, ALLOWED),
    ("NP113", "homepage", "web", 8080, ALLOWED, DENIED),
    ("NP114", "nas", "web", 8080, DENIED, ALLOWED),
    ("NP116", "web", "nas", 2049, ALLOWED, ALLOWED),
    ("NP116", "web", "postgres", 2049, ALLOWED, DENIED),
    ("NP117", "homepage", "web", 8080, ALLOWED, DENIED),
    ("NP202", "homepage", "web", 80, DENIED, ALLOWED),
    ("NP202", "web", "nas", 2049, ALLOWED, ALLOWED),
    ("NP203", "web", "postgres", 5432, ALLOWED, DENIED),
    ("NP204", "grafana", "web", 9090, ALLOWED, DENIED),
    ("NP204", "prometheus", "web", 9090, ALLOWED, ALLOWED),
    ("NP205", "homepage", "web", 8080, ALLOWED, DENIED),
    ("NP301", "homepage", "web", 8080, DENIED, DENIED),
    ("NP302", "prometheus", "web", 8080, DENIED, ALLOWED),
    ("NP303", "prometheus", "web", 8080, DENIED, ALLOWED),
    ("NP305", "laptop", "web", 8080, DENIED, ALLOWED),
    ("NP306", "web", "postgres", 5432, DENIED, ALLOWED),
)


def policies(text: str) -> list[Any]:
    """The policies of an example."""
    return [each for each in yaml.safe_load_all(text) if each["kind"] in POLICIES]


@pytest.fixture(scope="module")
def people(engine: Engine) -> Engine:
    """The engine, with all ends that the cases are about."""
    engine.identities(ENDS)
    return engine


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[1]}-{case[2]}")
def test_traffic_is_as_the_rule_says(people: Engine, case: Case) -> None:
    rule, source, target, port, wrong, right = case
    for text, expected in ((BY_ID[rule].wrong, wrong), (BY_ID[rule].right, right)):
        assert people.policies(policies(text)) == []
        [verdict] = people.verdicts([Flow(source, target, port)])
        assert (ALLOWED if verdict.allowed else DENIED) == expected, text


@pytest.mark.parametrize("rule", ["NP101", "NP107"])
def test_what_is_called_rejected_cilium_rejects(people: Engine, rule: str) -> None:
    assert len(people.policies(policies(BY_ID[rule].wrong))) == 1
    assert people.policies(policies(BY_ID[rule].right)) == []


def test_one_rejected_item_of_specs_takes_the_others_along(people: Engine) -> None:
    [policy] = policies(BY_ID["NP105"].right)
    policy["specs"].append({"endpointSelector": {}, "ingress": []})
    [rejection] = people.policies([policy])
    assert "at least one of Ingress" in rejection.error
    [verdict] = people.verdicts([Flow("homepage", "web", 8080)])
    assert verdict.allowed


def test_empty_specs_are_taken_and_hold_nothing(people: Engine) -> None:
    assert people.policies(policies(BY_ID["NP105"].wrong)) == []
    [verdict] = people.verdicts([Flow("homepage", "web", 8080)])
    assert verdict.allowed


def test_a_range_that_ends_below_its_port_is_the_port_alone(people: Engine) -> None:
    assert people.policies(policies(BY_ID["NP104"].wrong)) == []
    flows = [Flow("ipv4", "voice", port, "UDP") for port in (20000, 15000)]
    assert [each.allowed for each in people.verdicts(flows)] == [True, False]


def test_type_0_of_icmp_is_every_type(people: Engine) -> None:
    for text, expected in (
        (BY_ID["NP119"].wrong, [True, True]),
        (BY_ID["NP119"].right, [True, False]),
    ):
        assert people.policies(policies(text)) == []
        flows = [Flow("laptop", "web", kind, "ICMP") for kind in (8, 13)]
        assert [each.allowed for each in people.verdicts(flows)] == expected


@pytest.mark.parametrize("ports", [True, False])
def test_a_deny_rule_looks_for_no_service(people: Engine, ports: bool) -> None:
    [policy] = policies(BY_ID["NP116"].wrong)
    rule = policy["spec"]["egress"][0]
    if not ports:
        del rule["toPorts"]
    policy["spec"] |= {"egress": [{"toEntities": ["all"]}], "egressDeny": [rule]}
    assert people.policies([policy]) == []
    [verdict] = people.verdicts([Flow("web", "postgres", 2049)])
    assert verdict.allowed is not ports


def test_labels_that_are_called_unseen_are_in_no_identity(people: Engine) -> None:
    keys = ["kubernetes.io/metadata.name", "pod-template-hash", "app.kubernetes.io/name", "app"]
    assert people.keeps_labels(keys) == [False, False, True, True]


def test_a_rule_without_peers_means_none_to_cilium_and_all_to_kubernetes(
    people: Engine,
) -> None:
    metadata = {"name": "closed", "namespace": "photos"}
    cilium: dict[str, Any] = {"endpointSelector": {}, "ingress": [{}]}
    kubernetes = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]}
    flow = Flow("homepage", "web", 8080)
    for kind, version, spec, allowed in (
        ("CiliumNetworkPolicy", "cilium.io/v2", cilium, False),
        ("NetworkPolicy", "networking.k8s.io/v1", kubernetes, True),
    ):
        policy = {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}
        assert people.policies([policy]) == []
        assert people.verdicts([flow])[0].allowed is allowed
