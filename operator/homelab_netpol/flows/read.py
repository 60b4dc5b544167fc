"""Reads JSON as flows: of each version of Hubble, and Cilium's PacketDrop Events. Pure.

What is no flow is counted, and nothing that a document holds is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from homelab_netpol.flows.events import events_of, flow_of_event
from homelab_netpol.flows.flow import Flow, Verdict
from homelab_netpol.flows.hubble import flow_of, is_arrival, is_flow, mapping

# As programs write them: without spaces, and as Python's json and jq do.
_FORWARDED = (b'"verdict":"FORWARDED"', b'"verdict": "FORWARDED"')
# Messages of an observer that are not flows: `enum` of GetFlowsResponse, and of other calls.
_LOST = ("lost_events", "lostEvents", "LostEvents")
_STATUS = ("node_status", "nodeStatus", "NodeStatus", "agent_event", "debug_event")


@dataclass
class Read:
    """What has been read so far.

    Attributes:
        flows: of all verdicts.
        forwarded: of them those that passed, where only drops are asked for; and those that Hubble
            saw on their way in, where nobody has judged them yet.
        lost: flows that Hubble says it lost.
        events: PacketDrop Events.
        others: Events about something else.
        unreadable: lines that are neither.
    """

    flows: int = 0
    forwarded: int = 0
    lost: int = 0
    events: int = 0
    others: int = 0
    unreadable: int = 0

    def notes(self) -> Iterator[str]:
        """What a reader must know of it."""
        if self.lost:
            yield (
                f"{_counted(self.lost, 'flow')} lost by Hubble itself, so counts are too low:"
                " its ring buffer or an agent's was full (hubble.eventBufferCapacity)"
            )
        if self.unreadable:
            yield f"{_counted(self.unreadable, 'line')} left out: neither a flow nor an Event"
        if self.others:
            yield f"{_counted(self.others, 'Event')} left out: not PacketDrop"


class FlowReader:
    """Reads flows, and counts what is not one."""

    def __init__(self, *, with_forwarded: bool = False) -> None:
        """Prepares.

        Args:
            with_forwarded: flows that passed matter too; else they are counted and passed over,
                which is much faster.
        """
        self.read = Read()
        self._with_forwarded = with_forwarded

    def flows(self, documents: Iterable[bytes | None]) -> Iterator[Flow | None]:
        """The flows that matter; None where nothing has arrived for a moment."""
        for document in documents:
            if document is None:
                yield None
            elif not self._with_forwarded and any(each in document for each in _FORWARDED):
                self.read.flows += 1
                self.read.forwarded += 1
            else:
                yield from self._of(document)

    def _of(self, document: bytes) -> Iterator[Flow]:
        try:
            data = orjson.loads(document)
        except orjson.JSONDecodeError:
            self.read.unreadable += 1
            return
        for each in data if isinstance(data, list) else (data,):
            if isinstance(each, Mapping):
                yield from self._of_message(each)
            else:
                self.read.unreadable += 1

    def _of_message(self, data: Mapping[str, Any]) -> Iterator[Flow]:
        for key in _LOST:
            if isinstance(data.get(key), Mapping):
                self.read.lost += _count(data[key])
                return
        # The old `-o json` writes what is lost without a word around it.
        if "num_events_lost" in data or "numEventsLost" in data:
            self.read.lost += _count(data)
            return
        found = events_of(data)
        if found is not None:
            yield from self._of_events(found)
            return
        inner = data.get("flow")
        raw = inner if isinstance(inner, Mapping) else data
        if is_flow(raw):
            self.read.flows += 1
            flow = flow_of(raw)
            counts = self._with_forwarded and not is_arrival(raw)
            if flow.verdict is Verdict.FORWARDED and not counts:
                self.read.forwarded += 1
            else:
                yield flow
        elif not any(key in data for key in _STATUS):
            self.read.unreadable += 1

    def _of_events(self, events: Iterable[Any]) -> Iterator[Flow]:
        for each in events:
            flow = flow_of_event(mapping(each))
            if flow is None:
                self.read.others += 1
            else:
                self.read.events += 1
                yield flow


def _count(lost: Mapping[str, Any]) -> int:
    """How many events are lost; 64-bit numbers of protobuf are texts in JSON."""
    given = lost.get("num_events_lost", lost.get("numEventsLost"))
    text = str(given)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 1


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}{'s were' if number != 1 else ' was'}"
