"""What policies name by other objects, and what looks alike and is not, against Cilium's engine."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from homelab_netpol.cilium.evaluation import (
    CidrGroup,
    ContainerPort,
    Doubt,
    Entity,
    Network,
    Outcome,
    Pod,
    ReadPolicy,
    Service,
    Surroundings,
    egress_verdict,
    in_surroundings,
    read_policy,
)
from lab.control_plane import Engine, Flow, Identity

Json = dict[str, Any]

NOTHING = Surroundings("default", is_complete=True)
TEAM = {"matchLabels": {"team": "net"}}
NO_SERVICE = {"k8sService": {"serviceName": "gone", "namespace": "database"}}
ON_443 = [{"ports": [{"port": "443", "protocol": "TCP"}]}]
WEB = Pod("shop", {}, {"app": "web"}, ports=())
DB = Pod("database", {}, {"app": "db"}, ports=(ContainerPort("sql", 5432),))
OUTSIDE = Network(ip_network("203.0.113.7/32"))
IDENTITIES = {
    "web": Identity.pod("shop", {"app": "web"}),
    "db": Identity.pod("database", {"app": "db"}, ports={"sql": "5432/TCP"}),
    "outside": Identity.address("203.0.113.7/32"),
    "host": Identity.entity("host"),
}


def policy(**sections: Any) -> Json:
    """A policy for the pods of `shop`."""
    return {
        "kind": "CiliumNetworkPolicy",
        "metadata": {"name": "it", "namespace": "shop", "uid": "it"},
        "spec": {"endpointSelector": {}, **sections},
    }


def put(engine: Engine, manifest: Json, around: Surroundings = NOTHING) -> list[ReadPolicy]:
    """Has the engine enforce it, and reads it."""
    engine.identities(IDENTITIES)
    assert engine.policies([manifest]) == []
    return [in_surroundings(read_policy(manifest), around)]


def leaves(engine: Engine, target: str, port: int = 443, protocol: str = "TCP") -> str:
    """What the engine says to a connection of `web`."""
    return engine.verdicts([Flow("web", target, port, protocol)])[0].egress


def test_services_that_are_none_allow_nothing_without_ports(engine: Engine) -> None:
    read = put(engine, policy(egress=[{"toServices": [NO_SERVICE]}]))
    for name, end in (("db", DB), ("outside", OUTSIDE)):
        assert egress_verdict(read, WEB, end, 443).outcome.value == leaves(engine, name) == "denied"


@pytest.mark.parametrize("denies", [False, True])
def test_services_that_are_none_are_everybody_to_cilium_1_20_with_ports_and_so_in_doubt(
    engine: Engine, denies: bool
) -> None:
    rule = {"toServices": [NO_SERVICE], "toPorts": ON_443}
    sections = {"egress": [rule]}
    if denies:
        sections = {"egress": [{"toEntities": ["all"]}], "egressDeny": [rule]}
    read = put(engine, policy(**sections))
    for name, end in (("db", DB), ("outside", OUTSIDE)):
        assert leaves(engine, name) == ("denied" if denies else "allowed")
        answer = egress_verdict(read, WEB, end, 443)
        assert answer.outcome is Outcome.UNKNOWN
        assert answer.doubts == {Doubt.SERVICES}


def test_no_agent_looks_for_services_in_a_deny_rule(engine: Engine) -> None:
    chosen = {"k8sServiceSelector": {"selector": {}, "namespace": "database"}}
    sections = {"egress": [{"toEntities": ["all"]}], "egressDeny": [{"toServices": [chosen]}]}
    around = Surroundings("default", services=(Service("database", "db", {}, {"app": "db"}),))
    read = put(engine, policy(**sections), around)
    assert egress_verdict(read, WEB, DB, 443).outcome.value == leaves(engine, "db") == "allowed"


def test_a_pods_own_node_may_be_the_api_server_too(engine: Engine) -> None:
    read = put(engine, policy(egress=[{"toEntities": ["kube-apiserver"]}]))
    label = "reserved:kube-apiserver="
    for also in ([], [label]):
        engine.identities({**IDENTITIES, "host": Identity.entity("host", also)})
        node = Entity("host", with_api_server=bool(also))
        assert egress_verdict(read, WEB, node, 443).outcome.value == leaves(engine, "host")
    same = Entity("kube-apiserver", "host")
    assert egress_verdict(read, WEB, same, 443).outcome is Outcome.ALLOWED


def test_a_group_selector_without_a_condition_is_everybody_to_cilium_1_20_and_so_in_doubt(
    engine: Engine,
) -> None:
    around = Surroundings("default", (CidrGroup("home", {}, ()),), is_complete=True)
    read = put(engine, policy(egress=[{"toCIDRSet": [{"cidrGroupSelector": {}}]}]), around)
    assert leaves(engine, "db") == leaves(engine, "host") == "allowed"
    assert egress_verdict(read, WEB, DB, 443).outcome is Outcome.UNKNOWN


def test_a_group_that_is_not_given_is_in_doubt_unless_all_are(engine: Engine) -> None:
    manifest = policy(egress=[{"toCIDRSet": [{"cidrGroupRef": "home"}]}])
    read = put(engine, manifest)
    assert egress_verdict(read, WEB, OUTSIDE, 443).outcome.value == leaves(engine, "outside")
    for known in (Surroundings("default"), Surroundings()):
        answer = egress_verdict([in_surroundings(read_policy(manifest), known)], WEB, OUTSIDE, 443)
        assert answer.doubts == {Doubt.CIDR_GROUP}


@pytest.mark.parametrize("item", [{"cidrGroupRef": "all"}, {"cidrGroupSelector": TEAM}], ids=str)
def test_a_group_of_the_whole_internet_is_in_doubt_as_cilium_1_20_does_not_label_it(
    item: Json,
) -> None:
    """By its issue 39688; here the engine is only asked about single addresses."""
    group = CidrGroup("all", {"team": "net"}, (ip_network("0.0.0.0/0"),))
    read = read_policy(policy(egress=[{"toCIDRSet": [item]}]))
    around = Surroundings("default", (group,), is_complete=True)
    answer = egress_verdict([in_surroundings(read, around)], WEB, OUTSIDE, 443)
    assert answer.doubts == {Doubt.CIDR_GROUP}


@pytest.mark.parametrize("kind", [0, "EchoReply", 8, "EchoRequest", "Timestamp"])
def test_a_type_of_icmp_is_one_type_and_type_0_is_all_of_them(
    engine: Engine, kind: int | str
) -> None:
    read = put(engine, policy(egress=[{"icmps": [{"fields": [{"type": kind}]}]}]))
    for protocol, number in (("ICMP", 8), ("ICMP", 13), ("ICMPv6", 128), ("TCP", 8)):
        answer = egress_verdict(read, WEB, DB, number, protocol)
        assert answer.outcome.value == leaves(engine, "db", number, protocol), (protocol, number)


def test_every_port_is_no_icmp_and_no_ports_are_all_of_it(engine: Engine) -> None:
    for rule in ({"toPorts": [{"ports": [{"port": "0"}]}]}, {"toEntities": ["all"]}):
        read = put(engine, policy(egress=[rule]))
        for protocol, number in (("ICMP", 8), ("TCP", 8)):
            answer = egress_verdict(read, WEB, DB, number, protocol)
            assert answer.outcome.value == leaves(engine, "db", number, protocol), rule


def test_a_port_by_name_is_the_called_pods_own(engine: Engine) -> None:
    ports = [{"ports": [{"port": "sql", "protocol": "TCP"}]}]
    read = put(engine, policy(egress=[{"toEntities": ["all"], "toPorts": ports}]))
    for number in (5432, 5433):
        assert egress_verdict(read, WEB, DB, number).outcome.value == leaves(engine, "db", number)
    assert egress_verdict(read, DB, WEB, 5432).outcome is Outcome.ALLOWED  # not its subject
    twice = Pod("database", {}, {}, ports=(*(DB.ports or ()), ContainerPort("sql", 5433)))
    assert egress_verdict(read, WEB, twice, 5432).doubts == {Doubt.NAMED_PORT}


def test_a_node_is_in_no_cidr_unless_cilium_is_set_up_for_it(engine: Engine) -> None:
    read = put(engine, policy(egress=[{"toCIDR": ["0.0.0.0/0"]}]))
    assert leaves(engine, "host") == "denied"
    for known, outcome in (
        (False, Outcome.DENIED),
        (None, Outcome.UNKNOWN),
        (True, Outcome.UNKNOWN),
    ):
        answer = egress_verdict(read, WEB, Entity("host", nodes_by_cidr=known), 443)
        assert answer.outcome is outcome
