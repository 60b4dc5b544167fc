"""Which waypoint stands before a resource's pods, by Istio's labels."""

from __future__ import annotations

from dataclasses import replace

import pytest

from homelab_netpol.cluster.pods import ObservedPod
from homelab_netpol.cluster.services import ObservedService, read_service
from homelab_netpol.cluster.snapshot import Snapshot
from homelab_netpol.findings import GrantedPort
from homelab_netpol.findings.check_waypoints import check
from homelab_netpol.findings.inspection import Inspection
from homelab_netpol.findings.waypoints import reached_by_waypoint
from homelab_netpol.intent import Waypoint
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.settings import parse_settings
from tests.inspected import Cluster
from tests.unit.hand_made import pod, service

GATEWAY_LABEL = "gateway.networking.k8s.io/gateway-name"
USE = "istio.io/use-waypoint"
ELSEWHERE = {USE: "shared", f"{USE}-namespace": "istio-waypoints"}
PORT = GrantedPort(11434)
OLLAMA = service("ollama", "ai", ports=((80, 11434),))
RUNNING = {
    "ai": [{GATEWAY_LABEL: "waypoint"}, {GATEWAY_LABEL: "every", "istio.io/waypoint-for": "all"}],
    "istio-waypoints": [{GATEWAY_LABEL: "shared", "istio.io/waypoint-for": "service"}],
}


def reached(
    namespace: dict[str, str] | None = None,
    service: ObservedService | None = OLLAMA,
    pods: list[ObservedPod] | None = None,
    port: GrantedPort = PORT,
) -> list[Waypoint]:
    found = reached_by_waypoint(
        [port],
        pods or [pod("ollama", 11434)],
        [] if service is None else [service],
        ("ai", namespace or {}),
        lambda name: RUNNING.get(name, ()),
    )
    return [each.waypoint for each in found]


def labelled(**labels: str) -> ObservedService:
    return replace(OLLAMA, waypoint_labels={f"istio.io/{k}": v for k, v in labels.items()})


def test_without_a_label_there_is_none() -> None:
    assert reached() == []


def test_the_namespaces_label_is_for_all_of_its_services() -> None:
    assert reached({USE: "waypoint"}) == [("ai", "waypoint")]
    assert reached(ELSEWHERE) == [("istio-waypoints", "shared")]


def test_the_services_own_label_wins_and_may_take_it_off() -> None:
    assert reached(ELSEWHERE, labelled(**{"use-waypoint": "waypoint"})) == [("ai", "waypoint")]
    assert reached(ELSEWHERE, labelled(**{"use-waypoint": "none"})) == []
    assert reached({USE: "none"}) == []


def test_one_that_does_not_run_is_not_used() -> None:
    assert reached({USE: "missing"}) == []


def test_istio_says_itself_whether_a_service_has_one() -> None:
    assert reached({USE: "waypoint"}, replace(OLLAMA, waypoint_bound=False)) == []
    assert reached({USE: "missing"}, replace(OLLAMA, waypoint_bound=True)) == [("ai", "missing")]


@pytest.mark.parametrize("status", ["True", "False"])
def test_istios_word_is_read_from_the_services_status(status: str) -> None:
    metadata = {"name": "ollama", "namespace": "ai", "labels": {USE: "waypoint", "app": "x"}}
    conditions = [{"type": "istio.io/WaypointBound", "status": status}]
    found = read_service({"metadata": metadata, "spec": {}, "status": {"conditions": conditions}})
    assert found.waypoint_bound is (status == "True")
    assert found.waypoint_labels == {USE: "waypoint"}


def test_one_for_services_is_none_for_pods_that_are_called_themselves() -> None:
    assert reached({USE: "waypoint"}, None) == []
    assert reached({USE: "waypoint"}, replace(OLLAMA, headless=True)) == []
    assert reached({USE: "every"}, None) == [("ai", "every")]
    labels = {"app": "ollama", USE: "every"}
    assert reached({}, None, [ObservedPod(labels)]) == [("ai", "every")]


def test_pods_outside_the_mesh_are_called_without_one() -> None:
    outside = ObservedPod({"app": "ollama", "istio.io/dataplane-mode": "none"})
    assert reached({USE: "waypoint"}, pods=[outside]) == []


def test_only_the_tunnels_protocol_and_the_granted_port_count() -> None:
    assert reached({USE: "waypoint"}, port=GrantedPort(11434, protocol="UDP")) == []
    assert reached({USE: "waypoint"}, port=GrantedPort(9999)) == []


AMBIENT = {"istio.io/dataplane-mode": "ambient"}
MINE = {GATEWAY_LABEL: "shared", "istio.io/waypoint-for": "service"}


def told(labels: dict[str, str], listed: str = "", target: str = "additive") -> list[str]:
    """What is told where the Service `ollama` has the waypoint `shared` in `istio-waypoints`."""
    resource = f"{{namespace: ai, ports: [{{port: 11434}}], target: {target}}}"
    mesh = f"mesh: {{waypoints: [{listed}]}}" if listed else ""
    settings = parse_settings(f"sharedResources: {{ollama: {resource}}}\n{mesh}")
    profile = {"network-policy.homelab/profile": "isolated", **AMBIENT}
    namespaces = {
        "ai": {**profile, **labels},
        "chat": {**profile, "access.network-policy.homelab/ollama": "true"},
        "istio-waypoints": {},
    }
    target_pod = pod("ollama", 11434)
    seen = Snapshot(
        pods={"ai": [target_pod.labels], "chat": [{}], "istio-waypoints": [MINE]},
        targets={"ai": [target_pod]},
        services={"ai": [replace(OLLAMA, waypoint_labels=ELSEWHERE)]},
    )
    cluster = Cluster(namespaces, Catalogue(settings))
    found = cluster.inspected(seen, (Inspection.sort, check))
    assert {each.subject for each in found} <= {"chat"}
    return [each.message for each in found]


def test_a_way_that_the_operator_opens_is_not_told() -> None:
    assert told(ELSEWHERE) == []
    assert told({}, f"{{namespace: istio-waypoints, podLabels: {{{GATEWAY_LABEL}: shared}}}}") == []
    assert told({}, "{namespace: istio-waypoints}") == []


def test_where_only_the_service_names_it_the_setting_is_told() -> None:
    for listed in ("", f"{{namespace: istio-waypoints, podLabels: {{{GATEWAY_LABEL}: other}}}}"):
        [message] = told({}, listed)
        assert "mesh.waypoints, {namespace: istio-waypoints, podLabels: {gateway" in message
        assert "Denied on TCP 15008: egress of chat" in message
        assert message.endswith("istio.io/use-waypoint: none.")


def test_where_the_resources_side_is_written_by_hand_that_is_said() -> None:
    [message] = told(ELSEWHERE, target="none")
    assert "`target: none`" in message
