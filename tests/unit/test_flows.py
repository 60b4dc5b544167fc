"""Every form in which Cilium says what it dropped is read, and what is none is counted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from homelab_netpol.cilium.evaluation import Direction
from homelab_netpol.flows import DropClass, Flow, FlowReader, Verdict, documents, reason_named
from tests.flow_lines import Json, flow, lines

DROPPED = flow("my-app/web", "database/postgres", "5432/TCP", "EGRESS")
# As protobuf's own JSON writes it, with its other spelling of names.
CAMEL = {
    "verdict": "DROPPED",
    "dropReasonDesc": "POLICY_DENIED",
    "time": DROPPED["time"],
    "IP": DROPPED["IP"],
    "l4": {"TCP": {"destinationPort": 5432}},
    "source": {
        "namespace": "my-app",
        "labels": DROPPED["source"]["labels"],
        "podName": "web-0",
        "identity": DROPPED["source"]["identity"],
    },
    "destination": {
        "namespace": "database",
        "labels": DROPPED["destination"]["labels"],
        "podName": "postgres-0",
        "identity": DROPPED["destination"]["identity"],
    },
    "trafficDirection": "EGRESS",
}
# Before Hubble 0.10: the reason as a number alone.
OLD = {key: value for key, value in DROPPED.items() if key != "drop_reason_desc"} | {
    "drop_reason": 133
}
NUMBERS = DROPPED | {"verdict": 2, "traffic_direction": 2, "drop_reason_desc": 133}


def read(*chunks: bytes, passed: bool = False) -> tuple[list[Flow], FlowReader]:
    """The flows of a stream, and what was counted."""
    reader = FlowReader(with_forwarded=passed)
    return [each for each in reader.flows(documents(chunks)) if each is not None], reader


def same(one: Flow) -> tuple[Any, ...]:
    """What matters of a flow."""
    return (
        one.source.namespace,
        dict(one.source.labels),
        one.source.pod,
        one.destination.namespace,
        dict(one.destination.labels),
        one.destination.pod,
        one.protocol,
        one.port,
        one.direction,
        one.verdict,
        one.reason,
        one.time,
    )


@pytest.mark.parametrize(
    "text",
    [
        lines(DROPPED),
        lines(DROPPED, wrapped=False),
        lines(CAMEL),
        lines(CAMEL, wrapped=False),
        lines(OLD),
        lines(NUMBERS),
        json.dumps({"flow": DROPPED}, indent=4).encode() + b"\n",
        json.dumps([{"flow": DROPPED}]).encode(),
    ],
    ids=["wrapped", "bare", "camel", "bare camel", "old", "numbers", "over lines", "list"],
)
def test_every_version_of_the_format_gives_the_same_flow(text: bytes) -> None:
    [found], reader = read(text)
    assert same(found)[:3] == (
        "my-app",
        {"app": "web", "io.kubernetes.pod.namespace": "my-app"},
        "web-0",
    )
    assert same(found)[6:11] == (
        "TCP",
        5432,
        Direction.EGRESS,
        Verdict.DROPPED,
        reason_named("POLICY_DENIED"),
    )
    assert str(found.time) == "2026-03-01 22:14:05.512345+00:00"
    assert (reader.read.flows, reader.read.unreadable) == (1, 0)


def test_a_stream_may_be_cut_anywhere() -> None:
    text = lines(DROPPED, DROPPED)
    for place in range(0, len(text), 37):
        found, _ = read(text[:place], text[place:])
        assert len(found) == 2, place


def test_what_is_no_flow_is_counted_and_the_flows_around_it_are_read() -> None:
    text = (
        b'{"lost_events":{"source":"HUBBLE_RING_BUFFER","num_events_lost":"12"}}\n'
        b'{"LostEvents":{"num_events_lost":3}}\n'
        b'{"node_status":{"state_change":"NODE_CONNECTED"},"node_name":"n"}\n'
        b"level=warning msg=broken\n\n7\n[]\n{}\n\xff\xfe\n"
        + lines(DROPPED)
        + lines(DROPPED | {"verdict": "FORWARDED"})
        + lines(DROPPED)[:50]
    )
    found, reader = read(text)
    assert len(found) == 1
    assert (reader.read.lost, reader.read.forwarded) == (15, 1)
    assert reader.read.unreadable == 5
    assert "15 flows were lost" in next(reader.read.notes())


def test_a_line_without_end_is_not_kept() -> None:
    found, reader = read(*[b"x" * 65_536] * 100, b"\n", lines(DROPPED))
    assert (len(found), reader.read.unreadable) == (1, 1)


@pytest.mark.parametrize("point", [5, 6, 7, 8, 9, 10, 12])
def test_what_hubble_saw_before_a_policy_judged_it_did_not_pass(point: int) -> None:
    # With `monitor-aggregation: none`; the drop comes as a flow of its own.
    seen = DROPPED | {"verdict": "FORWARDED", "event_type": {"type": 4, "sub_type": point}}
    found, reader = read(lines(seen), passed=True)
    assert (found, reader.read.flows, reader.read.forwarded) == ([], 1, 1)


@pytest.mark.parametrize("event", [{"type": 4}, {"type": 4, "sub_type": 3}, {"type": 5}])
def test_what_hubble_saw_after_a_policy_judged_it_passed(event: Json) -> None:
    seen = DROPPED | {"verdict": "FORWARDED", "event_type": event}
    found, _ = read(lines(seen), passed=True)
    assert [each.verdict for each in found] == [Verdict.FORWARDED]


def test_flows_without_ports_and_icmp_are_read() -> None:
    bare = {key: value for key, value in DROPPED.items() if key != "l4"}
    ping = flow("my-app/web", "database/postgres", "8/ICMPv4", "EGRESS")
    reply = DROPPED | {"l4": {"ICMPv4": {}}}
    found, _ = read(lines(bare, ping, reply))
    assert [(each.protocol, each.port) for each in found] == [("", None), ("ICMP", 8), ("ICMP", 0)]


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("POLICY_DENIED", DropClass.POLICY),
        ("POLICY_DENY", DropClass.DENY),
        ("AUTH_REQUIRED", DropClass.AUTHENTICATION),
        ("STALE_OR_UNROUTABLE_IP", DropClass.ROUTE),
        ("CT_MAP_INSERTION_FAILED", DropClass.CONNECTION),
        ("SERVICE_BACKEND_NOT_FOUND", DropClass.SERVICE),
        ("UNSUPPORTED_L3_PROTOCOL", DropClass.PROTOCOL),
        ("INVALID_SOURCE_IP", DropClass.SPOOFED),
        ("A_REASON_OF_TOMORROW", DropClass.UNKNOWN),
    ],
)
def test_each_reason_is_of_a_class(name: str, cause: DropClass) -> None:
    [found], _ = read(lines(DROPPED | {"drop_reason_desc": name}))
    assert (found.reason.name, found.reason.cause) == (name, cause)


def event(message: str, **fields: Any) -> Json:
    """As the API server has it."""
    return {
        "kind": "Event",
        "reason": "PacketDrop",
        "type": "Warning",
        "message": message,
        "involvedObject": {"kind": "Pod", "namespace": "my-app", "name": "web-0"},
        "lastTimestamp": "2026-03-01T22:14:05Z",
        "count": 4,
        **fields,
    }


OUT = "Outgoing packet dropped (policy_denied) to database/postgres-0 (10.244.1.9) TCP/5432."
WORLD = (
    "Incoming packet dropped (policy_denied) from world (203.0.113.7) UDP/53. Applied policies: x."
)


def test_packet_drop_events_are_read_as_flows() -> None:
    listed = {"kind": "List", "items": [event(OUT), event(WORLD), event("x", reason="Pulled")]}
    for text in (json.dumps(listed), json.dumps(listed, indent=4)):
        found, reader = read(text.encode() + b"\n")
        one, other = found
        assert (one.source.pod, one.destination.namespace, one.destination.pod) == (
            "web-0",
            "database",
            "postgres-0",
        )
        assert (one.port, one.direction, one.times) == (5432, Direction.EGRESS, 4)
        assert (other.source.entities, other.source.ip, other.protocol) == (
            ("world",),
            "203.0.113.7",
            "UDP",
        )
        assert (reader.read.events, reader.read.others) == (2, 1)
