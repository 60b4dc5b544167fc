"""The table of an inspection: what it costs, and for how long the event loop stands still."""

from __future__ import annotations

from bench.records import Records
from bench.scenarios.inspection import InspectionResult
from bench.summary.columns import Column, each_round, table
from bench.tables import Table

_NOTE = (
    "Of several inspections one after the other; CPU is that of the whole process meanwhile."
    " longest stall: the longest time in which the event loop did not turn, where other programs"
    " on the machine count as well; longest step: the most CPU time that the loop used in between."
)
_COLUMNS: tuple[Column[InspectionResult], ...] = (
    each_round("pods", lambda found: found.pods, 0),
    each_round("CPU, s", lambda found: max(look.cpu for look in found.looks), 2),
    each_round("seconds", lambda found: max(look.seconds for look in found.looks), 2),
    each_round("longest stall, ms", lambda found: 1e3 * max(x.stall for x in found.looks), 1),
    each_round("longest step, ms", lambda found: 1e3 * max(x.busy for x in found.looks), 1),
    each_round("findings", lambda found: max(look.findings for look in found.looks), 0),
    each_round("peak MB", lambda found: found.memory.peak, 0),
)


def inspection_tables(records: Records) -> list[Table]:
    """For each size, a row for each state of our operator."""
    return [
        table(
            f"An inspection of {size:,} namespaces, with as many policies of others",
            "operator",
            _COLUMNS,
            records.by_name(InspectionResult, size),
            _NOTE,
        )
        for size in records.sizes(InspectionResult)
    ]
