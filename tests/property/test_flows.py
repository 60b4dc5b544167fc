"""Whatever a stream holds, reading and grouping it neither fails nor grows."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from homelab_netpol.diagnosis.groups import Groups
from homelab_netpol.flows import FlowReader, documents
from tests.flow_lines import flow, lines

_DROPPED = flow("my-app/web", "database/postgres", "5432/TCP", "EGRESS")
_ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*_DROPPED, "type", "labels", "TCP"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(_DROPPED)), _ANY, min_size=1, max_size=4))
def test_a_flow_with_any_field_wrong_is_read_or_counted(wrong: dict[str, Any]) -> None:
    reader, groups = FlowReader(), Groups()
    for each in reader.flows(documents([lines(_DROPPED | wrong, _DROPPED)])):
        assert each is not None
        groups.add(each)
    read = reader.read
    assert read.flows + read.unreadable == 2
    assert sum(each.count for each in groups.ranked()) == read.flows - read.forwarded


@settings(max_examples=150, deadline=None)
@given(st.lists(st.binary(max_size=60) | st.just(lines(_DROPPED)), max_size=8))
def test_bytes_of_any_kind_are_no_error(chunks: list[bytes]) -> None:
    reader = FlowReader()
    found = [each for each in reader.flows(documents(chunks)) if each is not None]
    assert len(found) <= sum(chunk.count(b"{") for chunk in chunks)


@settings(max_examples=100, deadline=None)
@given(_ANY)
def test_events_of_any_kind_are_no_error(inner: Any) -> None:
    event = {"kind": "Event", "reason": "PacketDrop", "message": inner, "involvedObject": inner}
    reader = FlowReader()
    list(reader.flows(documents([json.dumps({"kind": "List", "items": [event, inner]}).encode()])))
    assert reader.read.others + reader.read.events == 2
