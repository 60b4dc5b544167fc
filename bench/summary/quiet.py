"""What an operator does when next to nothing happens: a resync, nothing at all."""

from __future__ import annotations

import statistics

from bench.records import Records
from bench.scenarios.resync import ResyncResult
from bench.scenarios.steady import SteadyResult
from bench.summary.by_round import NONE, spread
from bench.tables import Table

DEFAULT_RESYNC_SECONDS = 300.0  # ours, see docs/settings.md


def resync_tables(records: Records) -> list[Table]:
    """A row for each operator and size."""
    rows = []
    for size in records.sizes(ResyncResult):
        for name in records.who(ResyncResult, size):
            found = records.of(ResyncResult, name, size)
            busy = {n: each for n, each in found.items() if each.seconds}
            rows.append(
                [
                    f"{name}, {size:,}",
                    spread(found, lambda each: each.cpu, 3),
                    spread(busy, lambda each: statistics.median(each.seconds), 2),
                    spread(found, lambda each: each.written, 0),
                    spread(found, lambda each: each.memory.peak, 0),
                    spread(found, share_of_core, 3),
                ]
            )
    note = (
        "CPU of one resync: what the operator used in two periods of 10 s (20 s with more than"
        " 1,000 namespaces), halved, with whatever else it did then. busy: how long it used more"
        " than a twentieth of a core without a pause of a second, where that shows two resyncs."
        f" of a core: that CPU in {DEFAULT_RESYNC_SECONDS:g} s, the default period of ours."
        " controller-runtime goes through its cache, ours asks the API server for everything."
    )
    columns = (
        *("operator, namespaces", "CPU, s", "busy, s", "policies written", "peak MB"),
        "of a core, %",
    )
    return [Table("A resync with everything right", columns, rows, note)] if rows else []


def steady_tables(records: Records) -> list[Table]:
    """A row for each operator and size."""
    rows = []
    for size in records.sizes(SteadyResult):
        for name in records.who(SteadyResult, size):
            found = records.of(SteadyResult, name, size)
            asked = {what for each in found.values() for what in each.requests}
            rows.append(
                [
                    f"{name}, {size:,}",
                    spread(found, lambda each: each.seconds, 0),
                    spread(found, steady_share, 3),
                    spread(found, lambda each: each.written, 0),
                    spread(found, lambda each: sum(each.requests.values()), 0),
                    ", ".join(sorted(asked)) or NONE,
                    spread(found, lambda each: each.memory.resident, 0),
                    spread(found, lambda each: each.memory.peak, 0),
                ]
            )
    note = (
        "Default settings, policies all right, nothing happens. requests: to write anything, as the"
        " API server's audit log has them, its own left out. A resync comes more seldom than this"
        " lasts: its cost is in the table of resyncs. memory: the peak is that of the start."
    )
    columns = (
        *("operator, namespaces", "seconds", "of a core, %", "policies written"),
        *("requests to write", "which", "MB", "peak MB"),
    )
    return [Table("Steady state", columns, rows, note)] if rows else []


def share_of_core(found: ResyncResult) -> float:
    """Per cent of a core that resyncs take, at the default period."""
    return 100 * found.cpu / DEFAULT_RESYNC_SECONDS


def steady_share(found: SteadyResult) -> float:
    """Per cent of a core that the operator took while nothing happened."""
    return 100 * found.cpu["operator"] / found.seconds
