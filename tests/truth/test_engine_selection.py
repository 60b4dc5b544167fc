"""What Cilium selects by a DNS name, by a namespace's label, by a port's name and by an ICMP type.

The policies that the operator writes rest on these facts. They are Cilium's, so its engine says
them; nothing of the operator is involved.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lab.control_plane import Engine, EngineError, Flow, Identity

IDENTITIES = {
    "web": Identity.pod("shop", {"app": "web"}, ports={"http": "8080/TCP", "dns-tcp": "5353/TCP"}),
    "api": Identity.pod("shop", {"app": "api"}, ports={"http": "3000/TCP", "dns-udp": "5353/UDP"}),
    "red": Identity.pod("red", {}, {"team": "a"}),
    "blue": Identity.pod("blue", {}, {"team": "b"}),
    "stripe": Identity.dns_name("api.stripe.com"),
    "shouted": Identity.dns_name("API.Stripe.COM."),
    "deep": Identity.dns_name("eu.api.stripe.com"),
    "bare": Identity.dns_name("stripe.com"),
    "other": Identity.dns_name("www.example.org"),
    "known": Identity.dns_name("files.stripe.com", "203.0.113.7/32"),
    "address": Identity.address("203.0.113.7/32"),
    "world": Identity.entity("world"),
}
NAMES = ["stripe", "shouted", "deep", "bare", "other", "known", "address", "world"]


@pytest.fixture
def engine(engine: Engine) -> Iterator[Engine]:
    """The session's engine with identities of ours, and without policies, before and after."""
    engine.policies([])
    engine.identities(IDENTITIES)
    yield engine
    engine.policies([])


def policy(name: str = "policy", namespace: str = "shop", **spec: object) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace}
    kind = {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy"}
    return {**kind, "metadata": metadata, "spec": {"endpointSelector": {}, **spec}}


def port(number: str, protocol: str = "TCP") -> list[dict[str, Any]]:
    return [{"ports": [{"port": number, "protocol": protocol}]}]


def reached(engine: Engine, *policies: dict[str, Any], number: int = 443) -> set[str]:
    """Whom `web` may call at a port, among the addresses outside the cluster."""
    assert engine.policies(policies) == []
    verdicts = engine.verdicts(Flow("web", name, number) for name in NAMES)
    return {name for name, verdict in zip(NAMES, verdicts, strict=True) if verdict.allowed}


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ({"matchName": "api.stripe.com"}, {"stripe", "shouted"}),
        ({"matchName": "Api.Stripe.com."}, {"stripe", "shouted"}),
        ({"matchPattern": "*.stripe.com"}, {"stripe", "shouted", "known"}),
        ({"matchPattern": "**.stripe.com"}, {"stripe", "shouted", "deep", "known"}),
        ({"matchPattern": "*"}, {"stripe", "shouted", "deep", "bare", "other", "known"}),
        ({"matchName": "nobody.example.org"}, set()),
    ],
)
def test_a_name_is_selected_by_the_selectors_that_match_it(
    engine: Engine, selector: dict[str, str], expected: set[str]
) -> None:
    rule = {"toFQDNs": [selector], "toPorts": port("443")}
    assert reached(engine, policy(egress=[rule])) == expected
    assert reached(engine, policy(egress=[rule]), number=80) == set()


def test_a_name_is_selected_by_what_is_in_force_now(engine: Engine) -> None:
    stripe, other = (
        policy(name=name, egress=[{"toFQDNs": [{"matchName": name}]}])
        for name in ("api.stripe.com", "www.example.org")
    )
    assert reached(engine, stripe) == {"stripe", "shouted"}
    assert reached(engine, stripe, other) == {"stripe", "shouted", "other"}
    assert reached(engine, other) == {"other"}
    assert reached(engine) == set(NAMES)
    # The same when the policies were there before the identities.
    engine.policies([other])
    engine.identities(IDENTITIES)
    assert reached(engine, other) == {"other"}


def test_a_name_is_not_selected_by_the_policies_of_other_namespaces(engine: Engine) -> None:
    elsewhere = policy(namespace="red", egress=[{"toFQDNs": [{"matchName": "www.example.org"}]}])
    here = policy(egress=[{"toFQDNs": [{"matchName": "api.stripe.com"}]}])
    assert reached(engine, elsewhere, here) == {"stripe", "shouted"}


def test_a_name_stays_part_of_the_world_and_of_its_address_range(engine: Engine) -> None:
    named = policy(name="named", namespace="red", egress=[{"toFQDNs": [{"matchPattern": "*"}]}])
    world = policy(egress=[{"toEntities": ["world"]}])
    assert reached(engine, world, named) == set(NAMES)
    network = policy(egress=[{"toCIDR": ["203.0.113.0/24"]}])
    assert reached(engine, network, named) == {"known", "address"}
    assert reached(engine, policy(egress=[{"toEntities": ["cluster"]}]), named) == set()


def test_a_namespaces_label_selects_pods_of_other_namespaces(engine: Engine) -> None:
    # In a namespaced policy too, where a selector usually means the policy's own namespace: the
    # label of a namespace is enough to take that restriction away.
    key = "k8s:io.cilium.k8s.namespace.labels.team"
    for selector in (
        {"matchLabels": {key: "a"}},
        {"matchExpressions": [{"key": key, "operator": "In", "values": ["a"]}]},
    ):
        assert engine.policies([policy(ingress=[{"fromEndpoints": [selector]}])]) == []
        sources = ("red", "blue", "api")
        verdicts = engine.verdicts(Flow(source, "web", 80) for source in sources)
        assert [verdict.ingress for verdict in verdicts] == ["allowed", "denied", "denied"]


def test_a_ports_name_means_at_each_pod_the_number_that_the_pod_gives_it(engine: Engine) -> None:
    named = policy(ingress=[{"toPorts": port("http")}], egress=[{"toPorts": port("http")}])
    assert engine.policies([named]) == []
    flows = {
        Flow("red", "web", 8080): ("allowed", "allowed"),
        Flow("red", "web", 3000): ("allowed", "denied"),
        Flow("red", "api", 3000): ("allowed", "allowed"),
        Flow("web", "api", 3000): ("allowed", "allowed"),
        Flow("web", "api", 8080): ("denied", "denied"),
        Flow("web", "red", 8080): ("denied", "allowed"),  # a pod without a port of that name
    }
    verdicts = engine.verdicts(flows)
    assert [(verdict.egress, verdict.ingress) for verdict in verdicts] == list(flows.values())


def test_a_ports_name_counts_only_for_its_protocol(engine: Engine) -> None:
    rules = [{"toPorts": port("dns-tcp", "TCP")}, {"toPorts": port("dns-udp", "TCP")}]
    assert engine.policies([policy(ingress=rules)]) == []
    flows = [Flow("red", "web", 5353), Flow("red", "api", 5353), Flow("red", "api", 5353, "UDP")]
    verdicts = engine.verdicts(flows)
    assert [verdict.ingress for verdict in verdicts] == ["allowed", "denied", "denied"]


@pytest.mark.parametrize("request_", [{"name": "a.example.org", "entity": "world"}, {"name": ""}])
def test_a_name_goes_with_an_address_or_with_nothing(
    engine: Engine, request_: dict[str, str]
) -> None:
    with pytest.raises(EngineError, match="give exactly one of"):
        engine.identities({"both": Identity(request_)})


@pytest.mark.parametrize(
    ("identity", "complaint"),
    [
        (Identity.pod("shop", ports={"http": "8080"}), "is not like 8080/TCP"),
        (Identity.pod("shop", ports={"http": "0/TCP"}), "named port is zero"),
        (Identity({"entity": "world", "ports": {"http": "80/TCP"}}), "only a pod"),
    ],
)
def test_a_port_that_makes_no_sense_is_refused(
    engine: Engine, identity: Identity, complaint: str
) -> None:
    with pytest.raises(EngineError, match=complaint):
        engine.identities({"one": identity})


def test_icmp_is_allowed_by_its_type_and_family(engine: Engine) -> None:
    fields = [{"family": "IPv4", "type": 8}, {"family": "IPv6", "type": "EchoRequest"}]
    ping = policy(ingress=[{"fromEntities": ["cluster"], "icmps": [{"fields": fields}]}])
    assert engine.policies([ping]) == []
    flows = {
        Flow("red", "web", 8, "ICMP"): "allowed",
        Flow("red", "web", 128, "ICMPv6"): "allowed",
        Flow("red", "web", 128, "ICMP"): "denied",
        Flow("red", "web", 13, "ICMP"): "denied",
        Flow("red", "web", 8, "TCP"): "denied",
    }
    assert [verdict.ingress for verdict in engine.verdicts(flows)] == list(flows.values())


def test_icmp_needs_a_rule_of_its_own_only_where_ports_are_listed(engine: Engine) -> None:
    ping = [Flow("red", "web", 8, "ICMP")]
    assert engine.policies([policy(ingress=[{"fromEntities": ["cluster"]}])]) == []
    assert engine.verdicts(ping)[0].ingress == "allowed"
    listed = [{"fromEntities": ["cluster"], "toPorts": port("0", "ANY")}]
    assert engine.policies([policy(ingress=listed)]) == []
    assert engine.verdicts(ping)[0].ingress == "denied"
