"""The bars that the project sets for its own operator, and whether a run met them."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from bench.contenders import BARE, LIMITED, PLAIN_KOPF, STOCK, TUNED
from bench.figures import percentile
from bench.load.latency import KINDS
from bench.records import Records
from bench.scenarios.at_once import AtOnceResult, BareAtOnceResult
from bench.scenarios.command_line import CommandLineResult
from bench.scenarios.commands import CommandsResult
from bench.scenarios.hatches import HatchesResult
from bench.scenarios.inspection import InspectionResult
from bench.scenarios.one_by_one import OneByOneResult
from bench.scenarios.redefinition import RedefinitionResult
from bench.scenarios.resync import ResyncResult
from bench.scenarios.steady import SteadyResult
from bench.summary import hatches
from bench.summary.at_once import rate
from bench.summary.columns import ratios, together
from bench.summary.idle import resync_share, steady_share
from bench.summary.limits import Limit, at_least, at_most, less_than, none_at_all
from bench.tables import Table

Result = TypeVar("Result")
Read = Callable[[Records, str], float | None]

# The bars are for these sizes; a run with others has nothing to say on them.
_SMALL, _LARGE, _USERS = 500, 5_000, 1_000
_NOTE = (
    "Ratios are of the same round, and the median of the rounds is what counts; of latencies"
    " and weights that have a bar of their own, all samples together, and the worst round."
    " A dash: not measured in this run."
)


class Bar(NamedTuple):
    """A figure, its limit, and how it is read from the records of a contender; None: not there."""

    figure: str
    limit: Limit
    read: Read


def bars(records: Records, ours: Sequence[str]) -> list[Table]:
    """A row for each bar, for each state of our operator that was measured.

    Args:
        records: what was measured.
        ours: the names under which our own operator was measured.
    """
    found = {name: [(bar, bar.read(records, name)) for bar in BARS] for name in ours}
    rows = [
        [name, bar.figure, *bar.limit.cells(value)]
        for name, values in found.items()
        if any(value is not None for _, value in values)
        for bar, value in values
    ]
    columns = ("operator", "figure", "bar", "measured", "met")
    return [Table("What was promised", columns, rows, _NOTE)] if rows else []


def _worst(kind: type[Result], size: int, read: Callable[[Result], float]) -> Read:
    return lambda records, name: max(map(read, records.of(kind, name, size).values()), default=None)


def _total(kind: type[Result], read: Callable[[Result], float]) -> Read:
    """Of all rounds and sizes."""

    def total(records: Records, name: str) -> float | None:
        found = [each.result for each in records.found if each.contender == name]
        values = [read(each) for each in found if isinstance(each, kind)]
        return sum(values) if values else None

    return total


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def _rate_to(rival: str, size: int) -> Read:
    return lambda records, name: _median(
        ratios(
            records.of(AtOnceResult, name, size), records.of(BareAtOnceResult, rival, size), rate
        )
    )


def _seconds_at_once(records: Records, name: str) -> float | None:
    found = records.of(AtOnceResult, name, _SMALL)
    return _median([each.burst.seconds for each in found.values()])


def _peak_to_tuned(records: Records, name: str) -> float | None:
    mine, theirs = (records.of(AtOnceResult, each, _SMALL) for each in (name, TUNED))
    return _median(ratios(mine, theirs, lambda found: found.memory.peak))


def _changes(records: Records, name: str, kinds: Sequence[str] = KINDS) -> list[float]:
    """Seconds of every change of these kinds, from the answer to the policy."""
    rounds = records.by_name(OneByOneResult).get(name, {})
    return together(rounds, lambda r: [s.acknowledged for s in r.samples if s.kind in kinds])


def _slowest_kind(share: float) -> Read:
    def slowest(records: Records, name: str) -> float | None:
        found = [each for kind in KINDS if (each := _changes(records, name, [kind]))]
        return max((1e3 * percentile(each, share) for each in found), default=None)

    return slowest


def _all_kinds_to_tuned(share: float) -> Read:
    def ratio(records: Records, name: str) -> float | None:
        mine, theirs = _changes(records, name), _changes(records, TUNED)
        return percentile(mine, share) / percentile(theirs, share) if mine and theirs else None

    return ratio


def _hatch(records: Records, name: str) -> float | None:
    found = together(records.of(HatchesResult, name, _LARGE), hatches.seconds)
    return 1e3 * percentile(found, 0.99) if found else None


def _help(records: Records, name: str) -> float | None:
    found = together(records.by_name(CommandLineResult).get(name, {}), lambda r: r.seconds)
    return 1e3 * percentile(found, 0.5) if found else None


def _command(name_of_call: str) -> Read:
    """The median of all calls of a command, in seconds; the slowest of several that begin alike."""

    def read(records: Records, name: str) -> float | None:
        rounds = records.by_name(CommandsResult).get(name, {})
        calls: dict[str, list[float]] = {}
        for found in rounds.values():
            for call, seconds in found.seconds.items():
                if call.startswith(name_of_call):
                    calls.setdefault(call, []).extend(seconds)
        return max((percentile(each, 0.5) for each in calls.values()), default=None)

    return read


def _memory(name_of_call: str) -> Read:
    """The most memory of all calls of a command, in MiB."""

    def read(records: Records, name: str) -> float | None:
        rounds = records.by_name(CommandsResult).get(name, {})
        found = (
            value
            for each in rounds.values()
            for call, memory in each.memory.items()
            if call.startswith(name_of_call)
            for value in memory
        )
        return max(found, default=None)

    return read


def _milliseconds(read: Read) -> Read:
    def scaled(records: Records, name: str) -> float | None:
        value = read(records, name)
        return None if value is None else 1e3 * value

    return scaled


_steady = _worst(SteadyResult, _LARGE, steady_share)
_resync = _worst(ResyncResult, _LARGE, resync_share)


def _steady_with_resync(records: Records, name: str) -> float | None:
    steady, resync = _steady(records, name), _resync(records, name)
    return None if steady is None or resync is None else steady + resync


_AT_ONCE = (f"{_SMALL:,} at once", f"{_LARGE:,} at once")
_RESTART = f"restart among {_LARGE:,}, the worst round"
_INSPECTION = f"an inspection of {_LARGE:,}, the worst one"
_STEADY = f"steady state at {_LARGE:,}"
# The bar of 50 comes from when controller-runtime came with client-go's limit; both ways of reading
# "as it comes" are shown. With that limit 5,000 would take too long to measure.
_RIVALS = ((TUNED, 1.0), (PLAIN_KOPF, 2.0), (STOCK, 50.0), (LIMITED, 50.0))

BARS = (
    Bar("label to policy, p50 of the slowest kind", less_than(10, "ms"), _slowest_kind(0.5)),
    Bar(
        "label to policy, p50 of all kinds, to tuned controller-runtime's",
        at_most(1),
        _all_kinds_to_tuned(0.5),
    ),
    Bar("label to policy, p99 of the slowest kind", less_than(50, "ms"), _slowest_kind(0.99)),
    Bar(
        "label to policy, p99 of all kinds, to tuned controller-runtime's",
        at_most(1),
        _all_kinds_to_tuned(0.99),
    ),
    Bar(_AT_ONCE[0], less_than(1.5, "s"), _seconds_at_once),
    *(
        bar
        for size, text in zip((_SMALL, _LARGE), _AT_ONCE, strict=True)
        for bar in (
            Bar(f"{text}: rate, to the bare client's", at_least(0.9), _rate_to(BARE, size)),
            *(
                Bar(f"{text}: rate, to that of {rival}", at_least(least), _rate_to(rival, size))
                for rival, least in _RIVALS
                if (size, rival) != (_LARGE, LIMITED)
            ),
        )
    ),
    Bar(
        "policies written at a restart",
        none_at_all(),
        _total(AtOnceResult, lambda r: r.restart.written),
    ),
    Bar(
        f"{_RESTART}: seconds to ready",
        less_than(10, "s"),
        _worst(AtOnceResult, _LARGE, lambda r: r.restart.seconds),
    ),
    Bar(
        f"{_RESTART}: peak memory",
        less_than(200, "MB"),
        _worst(AtOnceResult, _LARGE, lambda r: r.restart.memory.peak),
    ),
    Bar(
        f"{_RESTART}: steady memory",
        less_than(150, "MB"),
        _worst(AtOnceResult, _LARGE, lambda r: r.restart.memory.resident),
    ),
    Bar(
        f"{_AT_ONCE[0]}: peak memory, the worst round",
        less_than(120, "MB"),
        _worst(AtOnceResult, _SMALL, lambda r: r.memory.peak),
    ),
    Bar(f"{_AT_ONCE[0]}: peak memory, to tuned controller-runtime's", less_than(1), _peak_to_tuned),
    Bar(f"hatch opened while {_LARGE:,} reconcile, p99", less_than(250, "ms"), _hatch),
    Bar(f"{_STEADY}, the worst round: of a core", less_than(1, "%"), _steady),
    Bar(f"{_STEADY}, with a resync every 300 s: of a core", less_than(1, "%"), _steady_with_resync),
    Bar(
        f"{_STEADY}: writes",
        none_at_all(),
        _worst(SteadyResult, _LARGE, lambda r: max(sum(r.requests.values()), r.written)),
    ),
    Bar("policies written at a resync", none_at_all(), _total(ResyncResult, lambda r: r.written)),
    Bar(
        f"{_INSPECTION}: CPU",
        less_than(5, "s"),
        _worst(InspectionResult, _LARGE, lambda r: max(look.cpu for look in r.looks)),
    ),
    Bar(
        f"{_INSPECTION}: the event loop stands still",
        less_than(20, "ms"),
        _worst(InspectionResult, _LARGE, lambda r: 1e3 * max(look.stall for look in r.looks)),
    ),
    Bar(
        f"a profile's change on {_USERS:,} namespaces, the worst round",
        less_than(3, "s"),
        _worst(RedefinitionResult, _USERS, lambda r: r.changed.seconds),
    ),
    Bar("homelab-netpol --help, p50", less_than(200, "ms"), _help),
    Bar(
        "the slowest start of a command, p50",
        less_than(400, "ms"),
        _milliseconds(_command("start of ")),
    ),
    Bar("render of 1,000 namespaces, p50", less_than(1, "s"), _command("render")),
    Bar("diff of 1,000 namespaces, p50", less_than(1, "s"), _command("diff")),
    Bar("lint of 1,000 policies, p50", less_than(1, "s"), _command("lint")),
    Bar("explain over 5,000 policies, p50", less_than(2, "s"), _command("explain")),
    Bar("diagnose of 100,000 drops, p50", less_than(10, "s"), _command("diagnose")),
    Bar("diagnose of 100,000 drops: most memory", less_than(200, "MiB"), _memory("diagnose")),
)
