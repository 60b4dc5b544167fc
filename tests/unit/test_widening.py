"""Policies of others beside a profile: what lets more through is told, in words."""

from __future__ import annotations

import pytest

from tests.unit.hand_made import Json, namespaces, ports
from tests.unit.widened import (
    ALLOW_ALL,
    NAME,
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


def test_a_charts_policy_that_allows_all_is_told_in_both_directions() -> None:
    message = told(netpol(**ALLOW_ALL))
    for words in (
        "NetworkPolicy theirs",
        "profile isolated",
        f"ingress from {WORLD}",
        f"egress to {WORLD}",
        "every Namespace",
        "on every port",
        "networkPolicy.enabled",
        WIDENS,
    ):
        assert words in message


@pytest.mark.parametrize(
    ("foreign", "words"),
    [
        (cnp(ingress=[{"fromEntities": ["all"]}]), f"ingress from {WORLD}"),
        (cnp(ingress=[{"fromEntities": ["cluster"]}]), "ingress from every Namespace"),
        (cnp(egress=[{"toEntities": ["host"]}]), "egress to nodes on every port"),
        (cnp(egress=[{"toEntities": ["kube-apiserver"]}]), "egress to entity kube-apiserver"),
        (cnp(ingress=[{"fromEntities": ["ingress"]}]), "ingress from entity ingress"),
        (cnp(egress=[{"toCIDR": ["10.0.0.0/8"]}]), "egress to addresses 10.0.0.0/8"),
        (cnp(egress=[{"toCIDR": ["::/0"]}]), "egress to addresses ::/0"),
        (cnp(egress=[{"toCIDR": ["0.0.0.0/0"]}]), f"egress to {WORLD}"),
        (cnp(egress=[{"toFQDNs": [{"matchName": "api.example.org"}]}]), "to api.example.org on"),
        (cnp(egress=[{"toFQDNs": [{"matchPattern": "*.example.org"}]}]), "to *.example.org on"),
        (cnp(egress=[{"toEntities": ["world"], "toPorts": ports(53, protocol="UDP")}]), "UDP 53"),
        (cnp(egress=[{"toEntities": ["world"], "toPorts": ports(5, protocol="SCTP")}]), "SCTP 5"),
        (cnp(ingress=[{"toPorts": ports(8080)}]), f"ingress from {WORLD}"),
        (cnp(ingress=[{"fromEndpoints": [{}]}]), "ingress from its own Namespace on every port"),
        (cnp(ingress=[{"fromEndpoints": namespaces("monitoring")}]), "Namespace monitoring on"),
        (cnp(ingress=[{"fromEndpoints": [{"matchLabels": {"reserved:world": ""}}]}]), WORLD),
        (
            cnp(egress=[{"toEndpoints": namespaces("kube-system")}]),
            "egress to Namespace kube-system on every port",
        ),
        (
            cnp(enableDefaultDeny={"ingress": False}, ingress=[{"fromEntities": ["world"]}]),
            f"ingress from {WORLD} on every port",
        ),
        (
            netpol(ingress=[{"from": [{"namespaceSelector": {}}], "ports": [{"port": 80}]}]),
            "ingress from every Namespace on TCP 80",
        ),
        (
            netpol(ingress=[{"from": [{"podSelector": {}}]}]),
            "ingress from its own Namespace on every port",
        ),
        (
            netpol(ingress=[{"from": [{"namespaceSelector": {"matchLabels": {"team": "a"}}}]}]),
            "ingress from Namespaces team=a",
        ),
        (
            netpol(ingress=[{"from": [{"namespaceSelector": {"matchLabels": {NAME: "team-a"}}}]}]),
            "ingress from Namespace team-a",
        ),
        (netpol(ingress=[{"ports": [{"port": "http"}]}]), "on port http"),
        (
            netpol(
                policyTypes=["Egress"],
                egress=[{"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}]}],
            ),
            f"egress to {WORLD}",
        ),
        (ccnp(ingress=[{"fromEndpoints": [{}]}]), "ingress from every Namespace on every port"),
        (ccnp(egress=[{"toEntities": ["world"]}]), f"egress to {WORLD} on every port"),
        (
            accept(ingress=[{"action": "Accept", "from": [{"namespaces": {}}]}]),
            "ingress from every Namespace",
        ),
        (
            accept(egress=[{"action": "Accept", "to": [{"networks": ["10.0.0.0/8"]}]}]),
            "egress to addresses 10.0.0.0/8",
        ),
        # Cilium asks the last tier before its default deny, unlike the API's own words.
        (
            accept("Baseline", ingress=[{"action": "Accept", "from": [{"namespaces": {}}]}]),
            "ingress from every Namespace",
        ),
    ],
)
def test_what_a_rule_adds_is_said_in_words(foreign: Json, words: str) -> None:
    assert words in told(foreign)


def test_a_rule_of_specs_counts_like_any_other() -> None:
    one = cnp()
    spec = {"endpointSelector": {}, "egress": [{"toEntities": ["world"]}]}
    del one["spec"]
    assert WORLD in told({**one, "specs": [spec]})


def test_a_rule_that_looks_at_requests_adds_in_part_and_is_told() -> None:
    http = [{"ports": [{"port": "80", "protocol": "TCP"}], "rules": {"http": [{"path": "/"}]}}]
    assert "TCP 80" in told(cnp(ingress=[{"fromEntities": ["world"], "toPorts": http}]))


def test_of_several_ports_only_those_are_named_that_the_profile_lacks() -> None:
    rule = {"toEntities": ["world"], "toPorts": ports(80, 443)}
    message = told(cnp(egress=[rule]), app={PROFILE: "internal-egress"})
    assert f"egress to {WORLD} on TCP 80." in message


def test_a_gateway_on_more_ports_than_the_annotation_lists_would_be_more() -> None:
    # isolated has no gateway at all; standard has it on every port.
    gateway = {"gateway.networking.k8s.io/gateway-name": "internal"}
    of_gateway = {"k8s:io.kubernetes.pod.namespace": "istio-gateway", **gateway}
    rule = {"fromEndpoints": [{"matchLabels": of_gateway}], "toPorts": ports(8080)}
    assert "Namespace istio-gateway" in told(cnp(ingress=[rule]))
    assert not found(cnp(ingress=[rule]), app={PROFILE: "standard"})
