"""Clients from outside who arrive as a node, where an annotation lets their network in."""

from __future__ import annotations

from typing import Any

import pytest

from homelab_netpol.cache.cluster import ClusterCache
from homelab_netpol.cilium.agent_config import read_agent_config
from homelab_netpol.cilium.enforcement import CiliumState
from homelab_netpol.cluster.services import read_service
from homelab_netpol.cluster.snapshot import Snapshot
from homelab_netpol.findings import check_direct_ingress
from homelab_netpol.findings.inspection import Inspection
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.reconcile.triggers import Triggers
from homelab_netpol.settings import Settings
from lab.control_plane import Engine, Flow, Identity
from tests.inspected import DOMAIN, NOON
from tests.unit.hand_made import pod, policy, ports


def told(annotation: str, lb_mode: str = "snat", **spec: Any) -> list[str]:
    cache = ClusterCache(Catalogue(Settings()))
    config = read_agent_config({"bpf-lb-mode": lb_mode})
    cache.set_cilium(CiliumState("kube-system/cilium-config", config))
    metadata = {
        **{"name": "broker", "uid": "broker", "resourceVersion": "1"},
        "labels": {f"{DOMAIN}/profile": "isolated"},
        "annotations": {f"{DOMAIN}/{annotation}": "1883,UDP/5353"},
    }
    triggers = Triggers(cache, lambda: NOON)
    triggers.namespace_observed(cache.namespaces.read({"metadata": metadata}))
    manifest = {
        "metadata": {"name": "mqtt", "namespace": "broker"},
        "spec": {"selector": {"app": "broker"}, "ports": [{"port": 1883}], **spec},
    }
    seen = Snapshot(
        targets={"broker": [pod("broker", 1883)]}, services={"broker": [read_service(manifest)]}
    )
    inspection = Inspection(cache, seen)
    return [each.message for each in check_direct_ingress.check(inspection) if each]


@pytest.mark.parametrize("annotation", ["lan-ports", "world-ports"])
@pytest.mark.parametrize("kind", ["LoadBalancer", "NodePort"])
def test_a_service_that_hides_its_clients_is_told(annotation: str, kind: str) -> None:
    [message] = told(annotation, type=kind)
    assert f"{DOMAIN}/{annotation}" in message
    assert "Service mqtt" in message
    assert "externalTrafficPolicy: Local" in message


@pytest.mark.parametrize(
    "spec",
    [
        {"type": "LoadBalancer", "externalTrafficPolicy": "Local"},
        {"type": "ClusterIP"},
        {"type": "LoadBalancer", "ports": [{"port": 9001}]},
    ],
)
def test_one_that_does_not_or_is_about_another_port_is_not(spec: dict[str, Any]) -> None:
    assert told("lan-ports", **spec) == []


@pytest.mark.parametrize(
    ("mode", "protocol", "silent"),
    [("dsr", "TCP", True), ("dsr", "UDP", True), ("hybrid", "TCP", True), ("hybrid", "UDP", False)],
)
def test_with_direct_server_return_clients_keep_their_address(
    mode: str, protocol: str, silent: bool
) -> None:
    number = 1883 if protocol == "TCP" else 5353
    port = [{"port": number, "protocol": protocol}]
    assert (told("lan-ports", mode, type="LoadBalancer", ports=port) == []) is silent


def test_the_engine_denies_who_arrives_as_another_node(engine: Engine) -> None:
    engine.identities(
        {
            "broker": Identity.pod("broker", {"app": "broker"}),
            "client": Identity.address("192.168.7.20/32"),
            "other node": Identity.entity("remote-node"),
        }
    )
    rule = {"fromCIDR": ["192.168.0.0/16"], "toPorts": ports(1883)}
    engine.policies([policy("lan", "broker", ingress=[rule])])
    flows = [Flow(source, "broker", 1883) for source in ("client", "other node")]
    assert [verdict.allowed for verdict in engine.verdicts(flows)] == [True, False]
