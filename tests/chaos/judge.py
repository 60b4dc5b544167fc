"""Judges a run from its records, event by event: did every promise hold, whatever went wrong?

A. In the end the operator's policies are exactly the pure function of what Namespaces say, and at
   no time was one of them otherwise for longer than a minute (`lateness`).
B. The operator touched nothing of anybody else's, and asked for nothing that it has no business
   with (`foreign`).
C. It wrote no policy that the labels did not ask for, at some moment that it could still have taken
   for the present (`wider`).
D. Every hatch was opened within a minute of its label, unless the label was gone before
   (`lateness`).
E. With several replicas, only the one that the Lease named wrote (`writers`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from homelab_netpol.settings import Settings
from tests.chaos.audit import Asked
from tests.chaos.foreign import POLICIES, foreign_touched, strange_requests
from tests.chaos.lateness import Lateness, measure
from tests.chaos.ledger import UNLOGGED_OPERATOR, Entry
from tests.chaos.timeline import Blindness, Timeline
from tests.chaos.wanted import PureFunction
from tests.chaos.wider import Justice, unjustified
from tests.chaos.writers import second_writers

# The mission: under a minute from the command to flowing traffic.
BOUND_SECONDS = 60.0
LEASE = "homelab-netpol"


@dataclass(frozen=True, slots=True)
class Case:
    """What is to be judged.

    Attributes:
        entries: all that was ever stored.
        asked: the audit log.
        operators: as whom the operator makes its requests.
        settings: that it runs with.
        since: the revision after which judging begins.
        blindness: how far back the operator may have looked when it wrote.
        clocks: seconds by which the operators' clocks may have been off, 0 included.
        elects: the replicas elect a leader.
    """

    entries: Sequence[Entry]
    asked: Sequence[Asked]
    operators: Collection[str]
    settings: Settings = field(default_factory=Settings)
    since: int = 0
    blindness: Blindness = field(default_factory=Blindness)
    clocks: tuple[float, ...] = (0.0,)
    elects: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome.

    Attributes:
        findings: each promise that was broken, in words.
        writes: how many writes of policies by the operator were judged.
        changes: how many changes of anybody.
        lateness: what was measured.
    """

    findings: tuple[str, ...]
    writes: int
    changes: int
    lateness: Lateness

    def __str__(self) -> str:
        hatches = sorted(self.lateness.hatches)
        slowest = f", the slowest after {hatches[-1]:.2f} s" if hatches else ""
        longest = "".join(
            f"; {what} for {seconds:.2f} s at the longest"
            for what, seconds in sorted(self.lateness.longest.items())
        )
        return (
            f"{self.changes:,} changes, {self.writes:,} of them the operator's;"
            f" {len(hatches)} hatches opened{slowest}{longest}"
        )


def judge(case: Case) -> Verdict:
    """Judges a run."""
    operators = frozenset({*case.operators, UNLOGGED_OPERATOR})
    function = PureFunction(case.settings)
    lateness = measure(
        case.entries,
        case.since,
        operators,
        function,
        BOUND_SECONDS,
        finds_unlabelled=case.settings.resync_seconds < BOUND_SECONDS,
    )
    later = [entry for entry in case.entries if entry.revision > case.since]
    mine = [each for each in later if each.author in operators and each.change.kind in POLICIES]
    return Verdict(
        tuple(_findings(case, operators, function, lateness)), len(mine), len(later), lateness
    )


def _findings(
    case: Case, operators: Collection[str], function: PureFunction, lateness: Lateness
) -> Iterator[str]:
    yield from (f"in the end {each}" for each in lateness.left)
    yield from lateness.too_long
    yield from foreign_touched(case.entries, case.since, operators)
    start = max((each.earliest for each in case.entries if each.revision <= case.since), default=0)
    yield from strange_requests(case.asked, start, operators, LEASE)
    timeline = Timeline(case.entries)
    justice = Justice(function, case.blindness, case.clocks)
    yield from unjustified(case.entries, case.since, operators, timeline, justice)
    if case.elects:
        yield from second_writers(case.entries, case.asked, case.since, case.operators, LEASE)
