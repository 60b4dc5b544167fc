"""Platform Namespaces of clusters as they are: told what is dropped, and nothing else."""

from __future__ import annotations

import pytest

from homelab_netpol.findings import Finding, FindingReason, check_platform
from lab.control_plane import Engine
from tests.inspected import Json
from tests.models.model import Rule
from tests.models.must_flow import Drops, MustFlow
from tests.models.shapes import models
from tests.models.writing import NAMESPACE, ccnp, cnp, every_pod, np, ports


def _pods(namespace: str) -> Json:
    return {"matchLabels": {NAMESPACE: namespace}}


MODELS = {model.name: model for model in models()}
RULES = [(name, rule) for name, model in MODELS.items() for rule in model.rules()]

# What each cluster loses by one of its rules: which Namespace is told, and what.
LOST = {
    ("words-on-pods", "baseline-dns-egress.egress[0]"): {
        ("kube-system", "DNS to"),
        ("telemetry", "DNS to"),
        ("databases", "DNS to"),
    },
    ("words-on-pods", "baseline-prometheus-scrape.ingress[0]"): {
        ("kube-system", "Scraping from"),
        ("telemetry", "Scraping from"),
        ("databases", "Scraping from"),
        ("edge", "Scraping from"),
    },
    ("words-on-pods", "answer.ingress[0]"): {("kube-system", "DNS from")},
    ("words-on-pods", "apps.egress[0]"): {("edge", "What comes through the gateway internal")},
    ("gateway-of-cilium", "serve-dns.ingress[0]"): {("kube-system", "DNS from")},
    ("shared-namespaces", "resolver.ingress[0]"): {("kube-system", "DNS from")},
    ("shared-namespaces", "gateway.egress[0]"): {
        ("edge", "What comes through the gateway internal"),
        ("edge", "What comes through the gateway external"),
    },
    ("shared-namespaces", "gateway.egress[1]"): {
        ("edge", "What comes through the gateway internal")
    },
    ("homelab", "baseline-dns-egress.egress[0]"): {
        (name, "DNS to")
        for name in (
            *("kube-system", "monitoring", "database", "garage", "istio-system"),
            *("istio-gateway", "cnpg-system", "rook", "longhorn-system"),
        )
    },
    ("homelab", "baseline-health-probes.ingress[1]"): {
        ("database", "Probing from CIDR"),
        ("garage", "Probing from CIDR"),
    },
    ("homelab", "baseline-prometheus-scrape.ingress[0]"): {
        (name, "Scraping from")
        for name in ("kube-system", "monitoring", "istio-system", "rook", "longhorn-system")
    },
    ("homelab", "hbone-cluster.ingress[0]"): {
        ("database", "CiliumNetworkPolicy postgres opens TCP from"),
        ("garage", "CiliumNetworkPolicy garage opens TCP from"),
    },
    ("homelab", "hbone-cluster.egress[0]"): {
        ("database", "CiliumNetworkPolicy postgres opens TCP to")
    },
    ("homelab", "coredns.ingress[0]"): {("kube-system", "DNS from")},
}

DNS = {"k8s-app": "kube-dns"}
# What a policy that denies takes away, beside all that allows it.
DENIED: list[tuple[str, Json, str, str]] = [
    (
        "homelab",
        cnp("closed", "database", egressDeny=[{"toEndpoints": [_pods("kube-system")]}]),
        "database",
        "DNS to",
    ),
    (
        "homelab",
        cnp("closed", "database", ingressDeny=[{"fromEntities": ["host"]}]),
        "database",
        "Probing from the node",
    ),
    (
        "homelab",
        cnp("closed", "garage", ingressDeny=[{"fromCIDR": ["169.254.0.0/16", "fd16::/16"]}]),
        "garage",
        "Probing from CIDR",
    ),
    (
        "homelab",
        cnp("closed", "rook", ingressDeny=[{"fromEndpoints": [_pods("monitoring")]}]),
        "rook",
        "Scraping from",
    ),
    (
        "homelab",
        cnp("closed", "garage", egressDeny=[{"toEntities": ["all"], "toPorts": ports(15008)}]),
        "garage",
        "HBONE to",
    ),
    (
        "homelab",
        cnp("closed", "garage", ingressDeny=[{"fromEntities": ["all"], "toPorts": ports(15008)}]),
        "garage",
        "HBONE from",
    ),
    (
        "shared-namespaces",
        ccnp("closed", {"matchLabels": DNS}, ingressDeny=[{"fromEndpoints": [_pods("media")]}]),
        "kube-system",
        "DNS from",
    ),
    (
        "words-on-pods",
        ccnp("closed", every_pod(), egressDeny=[{"toEndpoints": [_pods("wiki")]}]),
        "edge",
        "What comes through the gateway internal",
    ),
]


@pytest.mark.parametrize("name", MODELS)
def test_nothing_is_told_where_nothing_is_dropped(name: str, engine: Engine) -> None:
    assert MustFlow(MODELS[name], engine).drops() == Drops()
    assert MODELS[name].findings(check_platform.check) == []


@pytest.mark.parametrize(("name", "rule"), RULES, ids=str)
def test_a_rule_that_is_taken_away_is_told_if_something_is_dropped_then(
    name: str, rule: Rule, engine: Engine
) -> None:
    model = MODELS[name].without(rule)
    drops, findings = MustFlow(model, engine).drops(), model.findings(check_platform.check)
    assert drops == Drops(certain=LOST.get((name, str(rule)), set()))
    assert told(findings, drops) == drops.certain
    # The policy whose rule is missing is among those that close, and those are named.
    for finding in findings:
        assert "a rule allows, and none allows it. Add " in finding.message, finding.message


@pytest.mark.parametrize(("name", "denying", "namespace", "begins"), DENIED)
def test_a_deny_rule_is_told_as_such(
    name: str, denying: Json, namespace: str, begins: str, engine: Engine
) -> None:
    model = MODELS[name].with_policies(denying)
    drops, findings = MustFlow(model, engine).drops(), model.findings(check_platform.check)
    assert (namespace, begins) in drops.certain
    assert told(findings, drops) == drops.certain
    [message] = [each.message for each in findings if each.message.startswith(begins)]
    assert "a deny rule of" in message
    assert " closed" in message
    assert message.endswith("Narrow that rule.")


def test_an_open_hatch_drops_nothing(engine: Engine) -> None:
    model = MODELS["homelab"].with_policies(np("closed", "garage", ingress=[], egress=[]))
    assert {each.subject for each in model.findings(check_platform.check)} == set()
    shut = model.without(Rule("baseline-dns-egress", "egress", 0))
    assert "garage" in {each.subject for each in shut.findings(check_platform.check)}
    hatch = {"network-policy.homelab/enforcement": "disabled"}
    opened = shut.with_labels("garage", hatch)
    assert "garage" not in {each.subject for each in opened.findings(check_platform.check)}
    assert all(one != "garage" for one, _ in MustFlow(opened, engine).drops().certain)


def told(findings: list[Finding], drops: Drops) -> set[tuple[str, str]]:
    """The findings, each by the beginning that it has in common with what is dropped."""
    found = set()
    for finding in findings:
        assert finding.reason is FindingReason.PLATFORM_POLICY_INCOMPLETE
        beginnings = [
            begins
            for subject, begins in drops.certain | drops.uncertain
            if subject == finding.subject and finding.message.startswith(begins)
        ]
        found.add((finding.subject, beginnings[0] if beginnings else finding.message))
    return found
