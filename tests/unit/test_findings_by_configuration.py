"""What this cluster's Cilium is not configured to do can neither deny, nor allow, nor translate."""

from __future__ import annotations

from typing import Any

import pytest

from homelab_netpol.cilium.agent_config import read_agent_config
from homelab_netpol.cilium.enforcement import CiliumState
from homelab_netpol.cluster.snapshot import Snapshot
from homelab_netpol.findings import check_hatch, check_own_addresses, check_widening
from homelab_netpol.findings.inspection import Check, Inspection
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.settings import parse_settings
from tests.inspected import DOMAIN, Cluster, snapshot
from tests.unit.hand_made import policy
from tests.unit.test_own_addresses import gateway_service

OPEN = {f"{DOMAIN}/profile": "isolated", f"{DOMAIN}/enforcement": "disabled"}
CLOSED = {f"{DOMAIN}/profile": "isolated"}
PODS = {"app": [{"app": "web"}]}
EVERYBODY: dict[str, Any] = {"namespaces": {}}
DENIES = {
    "kind": "ClusterNetworkPolicy",
    "metadata": {"name": "deny"},
    "spec": {
        "tier": "Admin",
        "priority": 1,
        "subject": EVERYBODY,
        "ingress": [{"action": "Deny", "from": [EVERYBODY]}],
    },
}
OPENS = policy("chart", "app", "NetworkPolicy", policyTypes=["Ingress"], ingress=[{}])


def reasons(
    check: Check, seen: Snapshot, data: dict[str, str] | None, labels: dict[str, str]
) -> list[str]:
    settings = parse_settings(
        "sharedResources: {idp: {cidrs: [192.168.1.50/32], ports: [{port: 443}]}}"
    )
    cluster = Cluster({"app": labels}, Catalogue(settings))
    config = None if data is None else read_agent_config(data)
    cluster.cache.set_cilium(CiliumState("kube-system/cilium-config", config))
    return [each.reason.value for each in cluster.inspected(seen, (Inspection.sort, check))]


@pytest.mark.parametrize(
    ("data", "counts"),
    [
        (None, True),
        ({"enable-k8s-cluster-network-policy": "true"}, True),
        ({"enable-k8s-cluster-network-policy": "false"}, False),
        ({}, False),
    ],
)
def test_a_cluster_network_policy_denies_where_cilium_reads_them(
    data: dict[str, str] | None, counts: bool
) -> None:
    found = reasons(check_hatch.check, snapshot([DENIES], PODS), data, OPEN)
    assert found == (["HatchDenied"] if counts else [])


@pytest.mark.parametrize(("value", "counts"), [("true", True), ("false", False)])
def test_a_network_policy_opens_where_cilium_reads_them(value: str, counts: bool) -> None:
    data = {"enable-k8s-networkpolicy": value}
    found = reasons(check_widening.check, snapshot([OPENS], PODS), data, CLOSED)
    assert found == (["ProfileWidened"] if counts else [])


@pytest.mark.parametrize(
    ("data", "translated"),
    [(None, True), ({"kube-proxy-replacement": "true"}, True), ({}, False)],
)
def test_a_load_balancers_address_is_the_clusters_own_where_cilium_translates_it(
    data: dict[str, str] | None, translated: bool
) -> None:
    seen = Snapshot(services={"istio-gateway": [gateway_service()]})
    labels = {f"access.{DOMAIN}/idp": "true"}
    found = reasons(check_own_addresses.check, seen, data, labels)
    assert found == (["TargetIsOwnAddress"] if translated else [])
