"""One flow of Hubble's, as its JSON has it. Pure.

Field names are those of `api/v1/flow/flow.proto`, as agents write them (`traffic_direction`) and as
protobuf's own JSON does (`trafficDirection`); enums are names, and numbers in some versions.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from homelab_netpol.cilium.evaluation import Direction
from homelab_netpol.cilium.terms import ICMP, ICMP_V6, LAST_PORT, TRANSPORT_PROTOCOLS
from homelab_netpol.flows.flow import Flow, FlowEnd, Verdict
from homelab_netpol.flows.reasons import REFUSED, UNSAID, DropReason, reason_named, reason_numbered
from homelab_netpol.intent.deadline import parse_moment

_VERDICTS: Mapping[Any, Verdict] = {
    "DROPPED": Verdict.DROPPED,
    2: Verdict.DROPPED,
    "ERROR": Verdict.DROPPED,
    3: Verdict.DROPPED,
    "AUDIT": Verdict.AUDIT,
    4: Verdict.AUDIT,
}
_DIRECTIONS: Mapping[Any, Direction] = {
    "INGRESS": Direction.INGRESS,
    1: Direction.INGRESS,
    "EGRESS": Direction.EGRESS,
    2: Direction.EGRESS,
}
#: What has types in place of ports, as Cilium writes it.
OF_TYPES = {"ICMPv4": ICMP, "ICMPv6": ICMP_V6}
_PORTLESS = ("VRRP", "IGMP")
# `MessageTypeTrace` and `MessageTypePolicyVerdict` of pkg/monitor/api/types.go.
_TRACE = 4
_POLICY_VERDICT = 5
# `TraceFrom...` of pkg/monitor/api/types.go: from a pod, a proxy, the host, the stack, an overlay,
# a network, decryption.
_ARRIVALS = frozenset({5, 6, 7, 8, 9, 10, 12})
_L7 = ("L7", 2)
_MAX_LABELS = 100
_MAX_NAMES = 8
_MAX_TEXT = 253
_FLOW_KEYS = ("verdict", "source", "destination", "IP", "l4", "drop_reason_desc")


def mapping(value: Any) -> Mapping[str, Any]:
    """A mapping; an empty one in place of anything else."""
    return value if isinstance(value, Mapping) else {}


def is_flow(data: Mapping[str, Any]) -> bool:
    """It has what makes a flow: two ends, or a verdict on one."""
    return "verdict" in data and any(key in data for key in _FLOW_KEYS[1:])


def is_arrival(data: Mapping[str, Any]) -> bool:
    """It was seen when it came in, before any policy judged it: it may still be dropped.

    Agents tell of this with `monitor-aggregation: none` alone, and call it forwarded.
    """
    event = mapping(_either(data, "event_type", "eventType"))
    point = _either(event, "sub_type", "subType")
    return event.get("type") == _TRACE and isinstance(point, int) and point in _ARRIVALS


def flow_of(data: Mapping[str, Any]) -> Flow:
    """Reads a flow; what is not as it should be counts as not said."""
    ip = mapping(data.get("IP") or data.get("ip"))
    protocol, port = _l4(mapping(data.get("l4")))
    given = data.get("verdict")
    verdict = _VERDICTS.get(given if isinstance(given, str | int) else "", Verdict.FORWARDED)
    is_request = data.get("Type", data.get("type")) in _L7 or isinstance(data.get("l7"), Mapping)
    event = mapping(_either(data, "event_type", "eventType"))
    direction = _either(data, "traffic_direction", "trafficDirection")
    return Flow(
        _end(data, ip, "source"),
        _end(data, ip, "destination"),
        protocol,
        port,
        _DIRECTIONS.get(direction if isinstance(direction, str | int) else ""),
        verdict,
        _reason(data, is_request=is_request),
        _time(data.get("time")),
        _reply(data),
        event.get("type") == _POLICY_VERDICT,
        is_request,
    )


def text(value: Any) -> str:
    """A text that is no longer than a name may be; "" in place of anything else."""
    return value[:_MAX_TEXT] if isinstance(value, str) else ""


def _end(data: Mapping[str, Any], ip: Mapping[str, Any], which: str) -> FlowEnd:
    end = mapping(data.get(which))
    labels: dict[str, str] = {}
    entities: list[str] = []
    for each in _list(end.get("labels"))[:_MAX_LABELS]:
        source, colon, label = text(each).partition(":")
        key, _, value = label.partition("=")
        if source == "reserved":
            entities.append(key)
        elif colon and source == "k8s":
            labels[key] = value
    names = _either(data, f"{which}_names", f"{which}Names")
    return FlowEnd(
        text(end.get("namespace")),
        labels,
        text(_either(end, "pod_name", "podName")),
        tuple(entities),
        text(ip.get(which)),
        tuple(text(each) for each in _list(names)[:_MAX_NAMES] if text(each)),
        text(_either(end, "cluster_name", "clusterName")),
    )


def _l4(l4: Mapping[str, Any]) -> tuple[str, int | None]:
    for protocol in TRANSPORT_PROTOCOLS:
        if protocol in l4:
            number = _either(mapping(l4[protocol]), "destination_port", "destinationPort")
            return protocol, _number(number, 1, LAST_PORT)
    for written, protocol in OF_TYPES.items():
        if written in l4:
            # Zero is left out: it is the type of an echo reply.
            return protocol, _number(mapping(l4[written]).get("type", 0), 0, 255)
    return next((each for each in _PORTLESS if each in l4), ""), None


def _reason(data: Mapping[str, Any], *, is_request: bool) -> DropReason:
    named = _either(data, "drop_reason_desc", "dropReasonDesc")
    found = UNSAID
    if isinstance(named, str):
        found = reason_named(named)
    elif isinstance(named, int) and not isinstance(named, bool):
        found = reason_numbered(named)
    old = _either(data, "drop_reason", "dropReason")
    if found is UNSAID and isinstance(old, int) and not isinstance(old, bool):
        found = reason_numbered(old)
    is_refused = is_request and data.get("verdict") not in ("ERROR", 3)
    return REFUSED if found is UNSAID and is_refused else found


def _time(value: Any) -> datetime | None:
    if isinstance(value, str):
        return parse_moment(value)
    seconds = mapping(value).get("seconds")
    if isinstance(seconds, int) and 0 <= seconds < 2**33:
        return datetime.fromtimestamp(seconds, UTC)
    return None


def _reply(data: Mapping[str, Any]) -> bool | None:
    value = _either(data, "is_reply", "isReply")
    if isinstance(value, bool):
        return value
    # Older agents wrote `reply`, which is left out where it is false, and where it is not known.
    return True if data.get("reply") is True else None


def _number(value: Any, first: int, last: int) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool) and first <= value <= last:
        return value
    return None


def _either(data: Mapping[str, Any], one: str, other: str) -> Any:
    found = data.get(one)
    return data.get(other) if found is None else found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
