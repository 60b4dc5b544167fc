"""When Cilium sends traffic through a proxy, so that its rules on layer 7 can hold at all.

A `toFQDNs` rule works only for names that the DNS proxy has seen. So the rule that the operator
adds to it must bring port 53 to the proxy, whatever else allows port 53; the DNS baseline does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lab.control_plane import Engine, Flow, Identity

IDENTITIES = {
    "web": Identity.pod("shop", {"app": "web"}),
    "dns": Identity.pod("kube-system", {"k8s-app": "kube-dns"}),
    "batch": Identity.pod("batch"),
    "stripe": Identity.dns_name("api.stripe.com"),
    "world": Identity.entity("world"),
}
LOOKUPS = [Flow("web", "dns", 53, "UDP"), Flow("web", "dns", 53, "TCP")]

Rule = dict[str, Any]


@pytest.fixture
def engine(engine: Engine) -> Iterator[Engine]:
    """The session's engine with identities of ours, and without policies, before and after."""
    engine.policies([])
    engine.identities(IDENTITIES)
    yield engine
    engine.policies([])


def policy(name: str, *, namespace: str | None = "shop", **spec: object) -> dict[str, Any]:
    kind = "CiliumNetworkPolicy" if namespace else "CiliumClusterwideNetworkPolicy"
    metadata = {"name": name, "namespace": namespace} if namespace else {"name": name}
    spec = {"endpointSelector": {}, **spec}
    return {"apiVersion": "cilium.io/v2", "kind": kind, "metadata": metadata, "spec": spec}


def lookups(*, seen: bool) -> Rule:
    """Egress to the cluster's DNS, by way of the DNS proxy or not."""
    labels = {"k8s:io.kubernetes.pod.namespace": "kube-system", "k8s-app": "kube-dns"}
    ports = [{"port": "53", "protocol": protocol} for protocol in ("UDP", "TCP")]
    rules = {"rules": {"dns": [{"matchPattern": "*"}]}} if seen else {}
    return {
        "toEndpoints": [{"matchLabels": labels}],
        "toPorts": [{"ports": ports, **rules}],
    }


STRIPE: Rule = {"toFQDNs": [{"matchName": "api.stripe.com"}]}
NAMED = policy("named", egress=[STRIPE, lookups(seen=True)])
ADDITIVE: dict[str, Any] = {"enableDefaultDeny": {"egress": False, "ingress": False}}
UNSEEN = lookups(seen=False)
BESIDE = {
    "nothing": [NAMED],
    "a rule of the same policy": [policy("named", egress=[STRIPE, UNSEEN, lookups(seen=True)])],
    "another policy": [NAMED, policy("plain", egress=[UNSEEN])],
    "a clusterwide policy": [NAMED, policy("plain", namespace=None, egress=[UNSEEN])],
    "one that denies nothing": [
        NAMED,
        policy("plain", namespace=None, egress=[UNSEEN], **ADDITIVE),
    ],
    "every port": [NAMED, policy("plain", egress=[{"toEntities": ["cluster"]}])],
    "the escape hatch": [NAMED, policy("hatch", egress=[{"toEntities": ["all"]}])],
}


def test_without_a_dns_rule_no_lookup_is_seen(engine: Engine) -> None:
    assert engine.policies([policy("named", egress=[STRIPE, UNSEEN])]) == []
    assert [(v.egress, v.egress_proxy) for v in engine.verdicts(LOOKUPS)] == [("allowed", "")] * 2


@pytest.mark.parametrize("beside", BESIDE)
def test_a_dns_rule_brings_lookups_to_the_proxy_whatever_else_allows_them(
    engine: Engine, beside: str
) -> None:
    assert engine.policies(BESIDE[beside]) == []
    verdicts = engine.verdicts(LOOKUPS)
    assert [(v.egress, v.egress_proxy) for v in verdicts] == [("allowed", "dns")] * 2
    # Nobody watches what leaves the pod for other ports, or what arrives at the DNS server.
    assert [v.ingress_proxy for v in verdicts] == ["", ""]
    (call,) = engine.verdicts([Flow("web", "stripe", 443)])
    assert (call.egress, call.egress_proxy) == ("allowed", "")


def test_a_dns_rule_that_denies_nothing_brings_lookups_to_the_proxy_too(engine: Engine) -> None:
    additive = policy("named", egress=[STRIPE, lookups(seen=True)], **ADDITIVE)
    assert engine.policies([additive]) == []
    assert [v.egress_proxy for v in engine.verdicts(LOOKUPS)] == ["dns", "dns"]


def test_what_is_denied_goes_to_no_proxy(engine: Engine) -> None:
    denied = policy("denied", egressDeny=[{"toEntities": ["cluster"]}])
    assert engine.policies([NAMED, denied]) == []
    assert [(v.egress, v.egress_proxy) for v in engine.verdicts(LOOKUPS)] == [("denied", "")] * 2


def ports(**more: object) -> list[dict[str, Any]]:
    return [{"ports": [{"port": "443", "protocol": "TCP"}], **more}]


LISTENER = {
    "envoyConfig": {"kind": "CiliumClusterwideEnvoyConfig", "name": "config"},
    "name": "listener",
}


@pytest.mark.parametrize(
    ("more", "proxy"),
    [
        ({}, ""),
        ({"rules": {"http": [{"method": "GET"}]}}, "http"),
        ({"serverNames": ["api.example.org"]}, "tls"),
        ({"listener": LISTENER}, "listener"),
        ({"listener": LISTENER | {"priority": 1}}, "listener"),
        ({"listener": LISTENER | {"priority": 100}}, "listener"),
    ],
)
def test_the_kind_of_proxy_is_told(engine: Engine, more: dict[str, Any], proxy: str) -> None:
    rule = {"toEntities": ["world"], "toPorts": ports(**more)}
    assert engine.policies([policy("proxied", egress=[rule])]) == []
    (verdict,) = engine.verdicts([Flow("web", "world", 443)])
    assert (verdict.egress, verdict.egress_proxy) == ("allowed", proxy)


def test_http_rules_are_told_where_the_traffic_enters(engine: Engine) -> None:
    rule = {"fromEntities": ["cluster"], "toPorts": ports(rules={"http": [{"path": "/api/.*"}]})}
    assert engine.policies([policy("proxied", ingress=[rule])]) == []
    inside, elsewhere = engine.verdicts([Flow("batch", "web", 443), Flow("batch", "web", 444)])
    assert (inside.ingress, inside.ingress_proxy, inside.egress_proxy) == ("allowed", "http", "")
    assert (elsewhere.ingress, elsewhere.ingress_proxy) == ("denied", "")
