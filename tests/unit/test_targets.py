"""A target on the host's network is told as such, with what to write instead."""

from __future__ import annotations

import pytest

from homelab_netpol.findings import GrantedPort, GrantedResource, TargetFacts, grant_findings
from lab.control_plane import Engine, Flow, Identity
from tests.unit.hand_made import policy, ports

HASS = GrantedResource("hass", "home", (GrantedPort(8123),), {"app": "hass"})
LABELS = {"app": "hass"}


def found(target: TargetFacts, resource: GrantedResource = HASS) -> list[tuple[str, str]]:
    findings = grant_findings(resource, target, {"my-app": {}})
    return [(each.reason.value, each.message) for each in findings if each is not None]


def test_pods_that_are_all_on_the_hosts_network_are_not_called_absent() -> None:
    [(reason, text)] = found(TargetFacts(pods=(), on_host=(LABELS,)))
    assert reason == "TargetOnHostNetwork"
    assert "on the host's network" in text
    assert "entities: [host, remote-node]" in text
    assert "every node" in text


def test_a_whole_namespace_on_the_hosts_network_is_told_too() -> None:
    whole = GrantedResource("hass", "home", (GrantedPort(8123),))
    assert [reason for reason, _ in found(TargetFacts(pods=(), on_host=(LABELS,)), whole)] == [
        "TargetOnHostNetwork"
    ]
    assert found(TargetFacts(pods=({},), on_host=(LABELS,)), whole) == []


def test_a_part_on_the_hosts_network_is_told_where_labels_chose_it() -> None:
    [(reason, text)] = found(TargetFacts(pods=(LABELS,), on_host=(LABELS,)))
    assert reason == "TargetOnHostNetwork"
    assert "does not reach all of its pods" in text


def test_others_on_the_hosts_network_are_nothing_to_it() -> None:
    assert found(TargetFacts(pods=(LABELS,), on_host=({"app": "other"},))) == []
    [(reason, _)] = found(TargetFacts(pods=(), on_host=({"app": "other"},)))
    assert reason == "TargetHasNoPods"


@pytest.mark.parametrize("node", ["host", "remote-node"])
def test_the_engine_lets_through_what_the_finding_says_to_write_and_not_the_labels(
    engine: Engine, node: str
) -> None:
    engine.identities({"app": Identity.pod("my-app"), "hass": Identity.entity(node)})
    flow = Flow("app", "hass", 8123)
    pods = {"k8s:io.kubernetes.pod.namespace": "home", "k8s:app": "hass"}
    for peers, allowed in (
        ({"toEndpoints": [{"matchLabels": pods}]}, False),
        ({"toEntities": ["host", "remote-node"]}, True),
    ):
        rule = {**peers, "toPorts": ports(8123)}
        engine.policies([policy("access", "my-app", egress=[rule])])
        assert [verdict.allowed for verdict in engine.verdicts([flow])] == [allowed]
