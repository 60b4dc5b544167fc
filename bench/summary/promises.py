"""What the project promises for its own operator, and whether it was kept in this run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.contenders import BARE, LIMITED, PLAIN_KOPF, STOCK, TUNED
from bench.figures import Spread, percentile
from bench.load.latency import KINDS
from bench.records import Records
from bench.scenarios.at_once import AtOnceResult, BareAtOnceResult
from bench.scenarios.hatches import HatchesResult
from bench.scenarios.one_by_one import OneByOneResult
from bench.scenarios.redefinition import RedefinitionResult
from bench.scenarios.resync import ResyncResult
from bench.scenarios.steady import SteadyResult
from bench.summary.at_once import rate
from bench.summary.bars import at_least, at_most, less_than, more_than
from bench.summary.by_round import ratios
from bench.summary.latency import all_kinds
from bench.summary.quiet import share_of_core, steady_share
from bench.summary.under_load import waits
from bench.tables import Table

# The bars are for these sizes; a run with others has nothing to say on them.
_SMALL, _LARGE, _USERS = 500, 5_000, 1_000
# The last one's bar comes from when controller-runtime came with client-go's limit; both ways of
# reading "as it comes" are shown.
_RIVALS = (
    (TUNED, more_than(1.0)),
    (PLAIN_KOPF, at_least(2.0)),
    (STOCK, at_least(50.0)),
    (LIMITED, at_least(50.0)),
)

Row = list[str]


def promises(records: Records, ours: Sequence[str]) -> list[Table]:
    """A row for each promise that this run can tell of, for each of our operators."""
    rows = [
        [name, *row]
        for name in ours
        for row in (
            *_latency(records, name),
            *_at_once(records, name),
            *_restart(records, name),
            *_weight(records, name),
            *_hatch(records, name),
            *_quiet(records, name),
            *_redefinition(records, name),
        )
    ]
    note = (
        "Ratios are of the same round, and the median of the rounds is what counts; of latencies"
        " and weights that have a bar of their own, all samples together, and the worst round."
    )
    columns = ("operator", "figure", "bar", "measured", "met")
    return [Table("What was promised", columns, rows, note)] if rows else []


def _latency(records: Records, name: str) -> Iterator[Row]:
    for size in records.sizes(OneByOneResult):
        mine, tuned = all_kinds(records, name, size), all_kinds(records, TUNED, size)
        if not mine:
            continue
        for share, text, bar in (
            (0.5, "p50", less_than(10.0, "ms")),
            (0.99, "p99", less_than(50.0, "ms")),
        ):
            found = records.of(OneByOneResult, name, size).values()
            samples = [sample for each in found for sample in each.samples]
            slowest = max(
                percentile([s.acknowledged for s in samples if s.kind == kind], share)
                for kind in KINDS
            )
            yield bar.row(f"label to policy, {text} of the slowest kind", 1e3 * slowest)
            if tuned:
                value = percentile(mine, share) / percentile(tuned, share)
                what = f"label to policy, {text} of all kinds, to tuned controller-runtime's"
                yield at_most(1.0, "times").row(what, value)


def _at_once(records: Records, name: str) -> Iterator[Row]:
    for size in (_SMALL, _LARGE):
        mine = records.of(AtOnceResult, name, size)
        if not mine:
            continue
        what = f"{size:,} at once"
        if size == _SMALL:
            seconds = Spread.of([each.burst.seconds for each in mine.values()])
            yield less_than(1.5, "s").row(what, seconds.median)
        bare = records.of(BareAtOnceResult, BARE, size)
        if to_bare := ratios(mine, rate, bare, rate):
            bar = at_least(0.9, "times")
            yield bar.row(f"{what}: rate, to the bare client's", Spread.of(to_bare).median)
        for rival, bar in _RIVALS:
            theirs = records.of(AtOnceResult, rival, size)
            if found := ratios(mine, rate, theirs, rate):
                yield bar.row(f"{what}: rate, to that of {rival}", Spread.of(found).median)


def _restart(records: Records, name: str) -> Iterator[Row]:
    written = 0
    found = [
        (size, each.restart)
        for size in records.sizes(AtOnceResult)
        for each in records.of(AtOnceResult, name, size).values()
    ]
    if not found:
        return
    written = sum(restart.written for _, restart in found)
    yield at_most(0, "").row("policies written at a restart", written)
    if large := [restart for size, restart in found if size == _LARGE]:
        what = f"restart among {_LARGE:,}, the worst round"
        ready = max(restart.seconds for restart in large)
        yield less_than(10.0, "s").row(f"{what}: seconds to ready", ready)
        peak = max(restart.memory.peak for restart in large)
        yield less_than(200.0, "MB").row(f"{what}: peak memory", peak)
        steady = max(restart.memory.resident for restart in large)
        yield less_than(150.0, "MB").row(f"{what}: steady memory", steady)


def _weight(records: Records, name: str) -> Iterator[Row]:
    mine = records.of(AtOnceResult, name, _SMALL)
    tuned = records.of(AtOnceResult, TUNED, _SMALL)
    if mine:
        peak = max(each.memory.peak for each in mine.values())
        what = f"{_SMALL} at once: peak memory"
        yield less_than(120.0, "MB").row(f"{what}, the worst round", peak)
        found = ratios(mine, lambda r: r.memory.peak, tuned, lambda r: r.memory.peak)
        if found:
            bar = less_than(1.0, "times")
            yield bar.row(f"{what}, to tuned controller-runtime's", Spread.of(found).median)


def _hatch(records: Records, name: str) -> Iterator[Row]:
    if found := waits(records.of(HatchesResult, name, _LARGE)):
        what = f"hatch opened while {_LARGE:,} reconcile, p99"
        yield less_than(250.0, "ms").row(what, 1e3 * percentile(found, 0.99))


def _quiet(records: Records, name: str) -> Iterator[Row]:
    steady = records.of(SteadyResult, name, _LARGE)
    if steady:
        resyncs = records.of(ResyncResult, name, _LARGE)
        what = f"steady state at {_LARGE:,}"
        share = max(steady_share(each) for each in steady.values())
        yield less_than(1.0, "%").row(f"{what}, the worst round: of a core", share)
        if resyncs:
            share += max(share_of_core(each) for each in resyncs.values())
            yield less_than(1.0, "%").row(f"{what}, with a resync every 300 s: of a core", share)
        requests = sum(sum(each.requests.values()) for each in steady.values())
        written = sum(each.written for each in steady.values())
        yield at_most(0, "").row(f"{what}: writes", max(requests, written))
    for size in records.sizes(ResyncResult):
        looks = records.of(ResyncResult, name, size).values()
        if looks:
            written = sum(each.written for each in looks)
            yield at_most(0, "").row(f"a resync at {size:,}: policies written", written)


def _redefinition(records: Records, name: str) -> Iterator[Row]:
    if found := records.of(RedefinitionResult, name, _USERS):
        worst = max(each.changed.seconds for each in found.values())
        what = f"a profile's change on {_USERS:,} namespaces, the worst round"
        yield less_than(3.0, "s").row(what, worst)
