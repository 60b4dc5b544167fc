"""Cilium's PacketDrop Events, as the API server has them. Pure.

Their text is written by `pkg/hubble/dropeventemitter` of Cilium: `Outgoing packet dropped
(policy_denied) to database/postgres-0 (10.244.1.9) TCP/5432.`
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from homelab_netpol.cilium.evaluation import Direction
from homelab_netpol.cilium.terms import LAST_PORT
from homelab_netpol.flows.flow import Flow, FlowEnd, Verdict
from homelab_netpol.flows.hubble import OF_TYPES, mapping, text
from homelab_netpol.flows.reasons import reason_named
from homelab_netpol.intent.deadline import parse_moment

_REASON = "PacketDrop"
_MESSAGE = re.compile(
    r"(?P<way>Incoming|Outgoing) packet dropped \((?P<reason>[a-z0-9_]+)\) (?:from|to) "
    r"(?P<peer>\S+)(?: \((?P<ip>[0-9a-fA-F.:]+)\))? "
    r"(?P<protocol>[A-Za-z0-9]+)?(?:/(?P<port>[0-9]{1,5}))?\."
)
_MAX_MESSAGE = 4_096
_MOST_TIMES = 10**9


def events_of(data: Mapping[str, Any]) -> list[Any] | None:
    """The Events that a document holds; None: it is neither one nor a list."""
    kind = data.get("kind")
    if kind == "Event":
        return [data]
    if kind in ("EventList", "List") and isinstance(data.get("items"), list):
        return list(data["items"])
    # As a watch of the API server has it.
    inner = data.get("object")
    return [inner] if mapping(inner).get("kind") == "Event" else None


def flow_of_event(event: Mapping[str, Any]) -> Flow | None:
    """The drop that an Event is about; None: it is about something else."""
    message = event.get("message", event.get("note"))
    if event.get("reason") != _REASON or not isinstance(message, str):
        return None
    found = _MESSAGE.match(message[:_MAX_MESSAGE])
    about = mapping(event.get("involvedObject", event.get("regarding")))
    if found is None or not text(about.get("namespace")):
        return None
    own = FlowEnd(text(about.get("namespace")), pod=text(about.get("name")))
    peer = _peer(found["peer"], found["ip"] or "")
    out = found["way"] == "Outgoing"
    protocol = found["protocol"] or ""
    port = int(found["port"]) if found["port"] else 0
    return Flow(
        own if out else peer,
        peer if out else own,
        OF_TYPES.get(protocol, protocol),
        port if 1 <= port <= LAST_PORT else None,
        Direction.EGRESS if out else Direction.INGRESS,
        Verdict.DROPPED,
        reason_named(found["reason"]),
        _time(event),
        times=_times(event),
    )


def _peer(words: str, ip: str) -> FlowEnd:
    namespace, slash, pod = words.partition("/")
    if slash:
        return FlowEnd(text(namespace), pod=text(pod), ip=ip)
    # A name of a reserved identity, or of an address that has none of its own.
    return FlowEnd(entities=(text(words),), ip=ip) if ip else FlowEnd(ip=text(words))


def _time(event: Mapping[str, Any]) -> Any:
    series = mapping(event.get("series"))
    for value in (
        series.get("lastObservedTime"),
        event.get("lastTimestamp"),
        event.get("eventTime"),
        mapping(event.get("metadata")).get("creationTimestamp"),
    ):
        moment = parse_moment(value) if isinstance(value, str) else None
        if moment is not None:
            return moment
    return None


def _times(event: Mapping[str, Any]) -> int:
    for value in (mapping(event.get("series")).get("count"), event.get("count")):
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value < _MOST_TIMES:
            return value
    return 1
