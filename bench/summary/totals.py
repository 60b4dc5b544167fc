"""The tables of memory and CPU time: a row for each scenario, a column for each operator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from bench.records import Records
from bench.scenarios.at_once import AtOnceResult
from bench.scenarios.grants import GrantsResult
from bench.scenarios.hatches import HatchesResult
from bench.scenarios.inspection import InspectionResult
from bench.scenarios.one_by_one import OneByOneResult
from bench.scenarios.redefinition import RedefinitionResult
from bench.scenarios.resync import ResyncResult
from bench.scenarios.steady import SteadyResult
from bench.summary.columns import each_round
from bench.tables import Table

_MEMORY_NOTE = (
    "Of the operator's process: VmRSS, and as peak VmHWM since its start; 1 MB is 10^6 bytes."
    " The policies of a scenario's Namespaces stood before the operator started, except where"
    " they are what is measured."
)


class _Line(NamedTuple):
    """A figure that a kind of result holds; `{}` in its text is the number of namespaces."""

    text: str
    kind: type[Any]
    read: Callable[[Any], float]
    digits: int = 0


_MEMORY = (
    _Line("one label at a time, peak", OneByOneResult, lambda r: r.memory.peak),
    _Line("idle, before anything happened", AtOnceResult, lambda r: r.idle.resident),
    _Line("{} at once, peak", AtOnceResult, lambda r: r.memory.peak),
    _Line("{} at once, afterwards", AtOnceResult, lambda r: r.memory.resident),
    _Line("restart among {}, peak", AtOnceResult, lambda r: r.restart.memory.peak),
    _Line("restart among {}, steady", AtOnceResult, lambda r: r.restart.memory.resident),
    _Line("hatches while {} are reconciled, peak", HatchesResult, lambda r: r.memory.peak),
    _Line("a grant on {}, peak", GrantsResult, lambda r: r.memory.peak),
    _Line("resyncs among {}, peak", ResyncResult, lambda r: r.memory.peak),
    _Line("inspections of {}, peak", InspectionResult, lambda r: r.memory.peak),
    _Line("steady state at {}", SteadyResult, lambda r: r.memory.resident),
    _Line("a profile of {} is changed, peak", RedefinitionResult, lambda r: r.memory.peak),
)
_CPU = (
    _Line(
        "a change, one at a time, ms",
        OneByOneResult,
        lambda r: 1e3 * r.cpu["operator"] / r.changes,
        1,
    ),
    _Line("{} at once, to the last policy, s", AtOnceResult, lambda r: r.cpu["operator"], 2),
    _Line("{} at once, until it was quiet, s", AtOnceResult, lambda r: r.cpu_to_quiet, 2),
    _Line("restart among {}, s", AtOnceResult, lambda r: r.restart.cpu, 2),
    _Line("hatches while {} are reconciled, s", HatchesResult, lambda r: r.cpu["operator"], 2),
    _Line("a grant on {}, s", GrantsResult, lambda r: r.cpu["operator"], 2),
    _Line("a resync among {}, s", ResyncResult, lambda r: r.cpu, 3),
    _Line("a minute at {}, ms", SteadyResult, lambda r: 6e4 * r.cpu["operator"] / r.seconds),
    _Line("a profile of {} is changed, s", RedefinitionResult, lambda r: r.cpu["operator"], 2),
)


def total_tables(records: Records) -> list[Table]:
    """One table of memory, one of CPU."""
    memory = _table("The operators' memory, MB", _MEMORY, records, _MEMORY_NOTE)
    return [*memory, *_table("The operators' CPU time", _CPU, records, "")]


def _table(title: str, lines: Sequence[_Line], records: Records, note: str) -> list[Table]:
    names = list(dict.fromkeys(n for line in lines for n in records.by_name(line.kind)))
    rows = []
    for line in lines:
        column = each_round("", line.read, line.digits)
        # What does not depend on the size is shown once.
        for size in records.sizes(line.kind)[: None if "{}" in line.text else 1]:
            cells = (column.cell(records.of(line.kind, name, size)) for name in names)
            rows.append([line.text.format(f"{size:,}"), *cells])
    return [Table(title, ("", *names), rows, note)] if rows else []
