"""Memory and CPU of the operators in each scenario."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from bench.records import Records
from bench.scenarios.at_once import AtOnceResult
from bench.scenarios.grants import GrantsResult
from bench.scenarios.hatches import HatchesResult
from bench.scenarios.one_by_one import OneByOneResult
from bench.scenarios.redefinition import RedefinitionResult
from bench.scenarios.resync import ResyncResult
from bench.scenarios.steady import SteadyResult
from bench.summary.by_round import spread
from bench.tables import Table


class _Line(NamedTuple):
    """A figure that a kind of result holds; `{}` in its text is the number of namespaces."""

    text: str
    kind: type[object]
    read: Callable[..., float]
    digits: int


_MEMORY = (
    _Line("idle, before anything happened", AtOnceResult, lambda r: r.idle.resident, 0),
    _Line("{} at once, peak", AtOnceResult, lambda r: r.memory.peak, 0),
    _Line("{} at once, afterwards", AtOnceResult, lambda r: r.memory.resident, 0),
    _Line("restart among {}, peak", AtOnceResult, lambda r: r.restart.memory.peak, 0),
    _Line("restart among {}, steady", AtOnceResult, lambda r: r.restart.memory.resident, 0),
    _Line("one label at a time, peak", OneByOneResult, lambda r: r.memory.peak, 0),
    _Line("hatches while {} are reconciled, peak", HatchesResult, lambda r: r.memory.peak, 0),
    _Line("a grant on {}, peak", GrantsResult, lambda r: r.memory.peak, 0),
    _Line("resyncs among {}, peak", ResyncResult, lambda r: r.memory.peak, 0),
    _Line("steady state at {}", SteadyResult, lambda r: r.memory.resident, 0),
    _Line("a profile of {} is changed, peak", RedefinitionResult, lambda r: r.memory.peak, 0),
)
_CPU = (
    _Line("{} at once, to the last policy, s", AtOnceResult, lambda r: r.cpu["operator"], 2),
    _Line("{} at once, until it was quiet, s", AtOnceResult, lambda r: r.cpu_to_quiet, 2),
    _Line("restart among {}, s", AtOnceResult, lambda r: r.restart.cpu, 2),
    _Line(
        "a change, one at a time, ms",
        OneByOneResult,
        lambda r: 1e3 * r.cpu["operator"] / r.changes,
        1,
    ),
    _Line("hatches while {} are reconciled, s", HatchesResult, lambda r: r.cpu["operator"], 2),
    _Line("a grant on {}, s", GrantsResult, lambda r: r.cpu["operator"], 2),
    _Line("a resync among {}, s", ResyncResult, lambda r: r.cpu, 3),
    _Line("a minute at {}, ms", SteadyResult, lambda r: 6e4 * r.cpu["operator"] / r.seconds, 0),
    _Line("a profile of {} is changed, s", RedefinitionResult, lambda r: r.cpu["operator"], 2),
)


def weight_tables(records: Records) -> list[Table]:
    """A column for each operator: one table of memory, one of CPU."""
    note = (
        "Of the operator's process: VmRSS, and as peak VmHWM since its start; 1 MB is 10^6 bytes."
        " The policies of a scenario's Namespaces stood before the operator started, except where"
        " they are what is measured."
    )
    memory = _table("The operators' memory, MB", _MEMORY, records, note)
    return [*memory, *_table("The operators' CPU time", _CPU, records, "")]


def _table(title: str, lines: Sequence[_Line], records: Records, note: str) -> list[Table]:
    kinds = {line.kind for line in lines}
    found = [
        (line, size)
        for line in lines
        # What does not depend on the size is shown once.
        for size in records.sizes(line.kind)[: None if "{}" in line.text else 1]
    ]
    names = list(
        dict.fromkeys(each.contender for each in records.found if type(each.result) in kinds)
    )
    rows = [
        [
            line.text.format(f"{size:,}"),
            *(spread(records.of(line.kind, name, size), line.read, line.digits) for name in names),
        ]
        for line, size in found
    ]
    return [Table(title, ("", *names), rows, note)] if rows else []
