"""What passed before a change and is dropped since is told from all that is not."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from homelab_netpol.cilium.evaluation import Direction
from homelab_netpol.diagnosis.change import SETTLED, ChangeWatch, Outcome
from homelab_netpol.flows import Flow, FlowEnd, Verdict, reason_named

_START = datetime(2026, 3, 1, 22, tzinfo=UTC)
_WEB = FlowEnd("my-app", {"app": "web"}, "web-0")
_DATABASE = FlowEnd("database", {"app": "postgres"}, "postgres-0")
_OUT, _IN = Direction.EGRESS, Direction.INGRESS


def seen(
    what: str, second: int, end: Direction | None = _OUT, port: int = 5432, **fields: Any
) -> Flow:
    """A flow; `what` is passed, dropped, audited, or a reason of Cilium's."""
    reason = {"passed": "", "audited": "", "dropped": "POLICY_DENIED"}.get(what, what)
    verdict = {"passed": Verdict.FORWARDED, "audited": Verdict.AUDIT}.get(what, Verdict.DROPPED)
    made = Flow(
        *(_WEB, _DATABASE, "TCP", port, end, verdict, reason_named(reason)),
        _START + timedelta(seconds=second),
    )
    return replace(made, **fields)


def watched(before: list[Flow], after: list[Flow]) -> ChangeWatch:
    """What was seen."""
    watch = ChangeWatch()
    for flows, is_after in ((before, False), (after, True)):
        for each in flows:
            watch.add(each, after=is_after)
    return watch


def outcome_of(watch: ChangeWatch) -> Outcome | None:
    """What became of the one conversation."""
    found = [outcome for outcome, each in watch.conversations().items() if each]
    assert len(found) <= 1
    return found[0] if found else None


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (["passed"], ["dropped"], Outcome.BROKEN),
        (["passed"], ["passed"], Outcome.PASSES),
        (["passed"], [], Outcome.NOT_SEEN),
        (["dropped"], ["dropped"], Outcome.AS_BEFORE),
        (["dropped"], ["passed"], Outcome.PASSES_NOW),
        (["dropped"], [], None),
        # Of old and new rules: the history reaches to after the change.
        (["passed", "dropped"], ["dropped"], Outcome.BROKEN),
        (["passed", "dropped"], ["passed", "dropped"], Outcome.AS_BEFORE),
        # Cilium follows late, or it passes for some targets only: in doubt it is broken.
        (["passed"], ["passed", "dropped"], Outcome.BROKEN),
        (["passed"], ["dropped", "passed"], Outcome.BROKEN),
        (["passed"], ["POLICY_DENY"], Outcome.BROKEN),
        (["passed"], ["AUTH_REQUIRED"], Outcome.BROKEN),
        (["passed"], ["OF_TOMORROW"], Outcome.BROKEN),
        (["passed"], ["audited"], Outcome.PASSES),
        # Not a matter of labels.
        (["passed"], ["STALE_OR_UNROUTABLE_IP"], Outcome.NOT_SEEN),
    ],
)
def test_a_conversation_is_judged_by_what_was_seen_before_and_since(
    before: list[str], after: list[str], expected: Outcome | None
) -> None:
    number = itertools.count()
    watch = watched(
        [seen(each, next(number)) for each in before], [seen(each, next(number)) for each in after]
    )
    assert outcome_of(watch) is expected
    assert not list(watch.new_drops())


def test_what_passes_again_for_long_enough_has_recovered() -> None:
    settled = int(SETTLED.total_seconds())
    flows = [seen("dropped", 10), seen("passed", 11), seen("passed", 9 + settled)]
    assert outcome_of(watched([seen("passed", 0)], flows)) is Outcome.BROKEN
    flows.append(seen("passed", 10 + settled))
    assert outcome_of(watched([seen("passed", 0)], flows)) is Outcome.RECOVERED
    untimed = [replace(each, time=None) for each in flows]
    assert outcome_of(watched([seen("passed", 0)], untimed)) is Outcome.BROKEN


def test_each_end_judges_by_itself() -> None:
    """What its sender lets go and its receiver drops shows as forwarded too: it never passed."""
    half = [seen("passed", 0), seen("dropped", 1, _IN)]
    assert outcome_of(watched(half, [seen("dropped", 2)])) is Outcome.AS_BEFORE
    whole = [seen("passed", 0), seen("passed", 1, _IN)]
    closed = [seen("passed", 2), seen("dropped", 3, _IN), seen("passed", 90)]
    assert outcome_of(watched(whole, closed)) is Outcome.BROKEN


def test_replies_and_flows_that_nobody_has_judged_count_for_nothing() -> None:
    watch = watched([seen("passed", 0, None), seen("passed", 1, is_reply=True)], [])
    assert (watch.before, len(watch)) == (0, 0)


def test_labels_of_the_namespace_and_replicas_are_no_new_conversation() -> None:
    before = seen("passed", 0)
    labels = {"app": "web", "pod-template-hash": "5d4f"}
    changed = labels | {"io.cilium.k8s.namespace.labels.network-policy.homelab/profile": "internal"}
    after = seen("dropped", 1, source=FlowEnd("my-app", changed, "web-1"))
    assert outcome_of(watched([before], [after])) is Outcome.BROKEN


def test_an_address_outside_need_not_be_known_by_its_name_each_time() -> None:
    named = FlowEnd(entities=("world",), ip="203.0.113.7", names=("api.example.com",))
    bare = FlowEnd(entities=("world",), ip="203.0.113.7")
    for one, other in ((named, bare), (bare, named)):
        before, after = seen("passed", 0, destination=one), seen("dropped", 1, destination=other)
        assert outcome_of(watched([before], [after])) is Outcome.BROKEN
    else_where = replace(named, names=("other.example.org",))
    watch = watched([seen("passed", 0, destination=named)], [seen("dropped", 1)])
    watch.add(seen("dropped", 2, destination=else_where), after=True)
    assert len(list(watch.new_drops())) == 2


def test_drops_of_what_was_not_seen_are_new_and_a_scan_of_before_is_not() -> None:
    new = watched([seen("passed", 0)], [seen("dropped", 1, port=1)])
    assert [each.key.port for each in new.new_drops()] == [1]
    scan = [seen("dropped", 2, port=port) for port in range(1_000, 1_100)]
    assert [each.key.is_scan for each in watched([], scan).new_drops()] == [True]
    later = [seen("dropped", 3, port=port) for port in range(2_000, 2_100)]
    assert not list(watched(scan, later).new_drops())


def test_memory_is_bounded_and_what_was_given_up_is_counted() -> None:
    watch = ChangeWatch(most=100)
    for port in range(1, 50_001):
        watch.add(seen("dropped", 0, port=port), after=False)
        watch.add(seen("passed", 0, port=port % 50 + 60_000), after=False)
        watch.add(seen("dropped", 1, port=60_000 - port, source=_DATABASE), after=True)
    assert len(watch) <= 200
    assert watch.given_up > 49_000
    # What passed is kept rather than what never did.
    assert len(watch.conversations()[Outcome.NOT_SEEN]) == 50
