"""Flows are grouped in memory that does not grow with them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from homelab_netpol.cilium.evaluation import Direction
from homelab_netpol.diagnosis.groups import MOST_GROUPS, SCANNED_PORTS, Groups
from homelab_netpol.flows import Flow, FlowEnd, Verdict, reason_named

_DENIED = reason_named("POLICY_DENIED")


def drop(source: FlowEnd, target: FlowEnd, port: int, **fields: Any) -> Flow:
    """A dropped packet."""
    direction = Direction.INGRESS if target.namespace else Direction.EGRESS
    made = Flow(source, target, "TCP", port, direction, Verdict.DROPPED, _DENIED)
    return replace(made, **fields)


def pod(namespace: str, app: str, name: str = "") -> FlowEnd:
    """A pod's end."""
    return FlowEnd(namespace, {"app": app}, name or f"{app}-0")


def test_many_unlike_flows_are_kept_in_a_bounded_number_of_groups() -> None:
    groups = Groups()
    most = 0
    common = drop(pod("my-app", "web"), pod("database", "postgres"), 5432)
    for number in range(200_000):
        if number % 10:
            groups.add(common)
        else:
            source = FlowEnd(entities=("world",), ip=f"203.0.{number % 251}.{number % 241}")
            target = pod(f"ns-{number % 9973}", f"app-{number}")
            groups.add(drop(source, target, 1 + number % 65_535))
        most = max(most, len(groups))
    assert most <= 2 * MOST_GROUPS
    first, *rest = groups.ranked()
    assert first.count == 180_000
    assert len(rest) < MOST_GROUPS
    assert sum(each.count for each in groups.ranked()) + groups.others == 200_000


def test_replicas_and_ports_of_clients_are_one_group() -> None:
    groups = Groups()
    for number in range(50):
        labels = {"app": "web", "pod-template-hash": str(number)}
        source = FlowEnd("my-app", labels, f"web-{number}")
        groups.add(drop(source, pod("database", "postgres"), 5432))
    [group] = groups.ranked()
    assert (group.count, len(group.examples)) == (50, 3)


def test_a_verdict_and_its_packet_count_once() -> None:
    groups = Groups()
    dropped = drop(pod("my-app", "web"), pod("database", "postgres"), 5432)
    groups.add(dropped)
    groups.add(replace(dropped, is_verdict=True))
    assert [each.count for each in groups.ranked()] == [1]


def test_many_ports_from_one_client_are_a_scan_and_a_gateways_many_apps_are_none() -> None:
    groups = Groups(trusted=("istio-gateway",))
    for port in range(1, 500):
        groups.add(drop(pod("other", "scanner"), pod("my-app", "web"), port))
    for number in range(300):
        groups.add(drop(pod("istio-gateway", "gw"), pod(f"app-{number}", "web"), 8080))
    scans = [each for each in groups.ranked() if each.key.is_scan]
    assert [each.count for each in scans] == [499]
    assert len(groups.ranked()) == 301
    few = Groups()
    for port in range(1, SCANNED_PORTS):
        few.add(drop(pod("other", "client"), pod("my-app", "web"), port))
    assert not any(each.key.is_scan for each in few.ranked())


def test_many_clients_outside_that_try_many_ports_are_a_scan() -> None:
    groups = Groups()
    for number in range(5_000):
        source = FlowEnd(entities=("world",), ip=f"203.0.{number % 250}.{number % 240}")
        groups.add(drop(source, pod("my-app", "web"), 1 + number))
    [scan] = groups.ranked()
    assert (scan.key.is_scan, scan.count) == (True, 5_000)
