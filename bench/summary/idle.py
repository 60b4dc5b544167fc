"""The tables of an operator that has nothing to change: its resyncs, and its steady state."""

from __future__ import annotations

from collections.abc import Mapping

from bench.records import Records
from bench.scenarios.resync import ResyncResult
from bench.scenarios.steady import SteadyResult
from bench.summary.columns import NONE, Column, each_round, table
from bench.tables import Table

DEFAULT_RESYNC_SECONDS = 300.0  # ours, see docs/settings.md
_FIRST = "operator, namespaces"
_RESYNC_NOTE = (
    "CPU of one resync: what the operator used in two periods of 10 s (20 s with more than 1,000"
    " namespaces), halved, with all that it did beside them."
    f" of a core: that CPU in {DEFAULT_RESYNC_SECONDS:g} s, the default period of ours."
    " controller-runtime goes through its cache, ours asks the API server for everything."
)
_STEADY_NOTE = (
    "Default settings, policies all right, nothing happens. requests: to write anything, as the"
    " API server's audit log has them, its own left out. A resync comes more seldom than this"
    " lasts: its cost is in the table of resyncs. memory: the peak is that of the start."
)


def resync_share(found: ResyncResult) -> float:
    """Per cent of a core that resyncs take, at the default period."""
    return 100 * found.cpu / DEFAULT_RESYNC_SECONDS


def steady_share(found: SteadyResult) -> float:
    """Per cent of a core that the operator took while nothing happened."""
    return 100 * found.cpu["operator"] / found.seconds


def _requested(found: Mapping[int, SteadyResult]) -> str:
    return ", ".join(sorted({what for each in found.values() for what in each.requests})) or NONE


_RESYNC: tuple[Column[ResyncResult], ...] = (
    each_round("CPU, s", lambda found: found.cpu, 3),
    each_round("policies written", lambda found: found.written, 0),
    each_round("peak MB", lambda found: found.memory.peak, 0),
    each_round("of a core, %", resync_share, 3),
)
_STEADY: tuple[Column[SteadyResult], ...] = (
    each_round("seconds", lambda found: found.seconds, 0),
    each_round("of a core, %", steady_share, 3),
    each_round("policies written", lambda found: found.written, 0),
    each_round("requests to write", lambda found: sum(found.requests.values()), 0),
    Column("which", _requested),
    each_round("MB", lambda found: found.memory.resident, 0),
    each_round("peak MB", lambda found: found.memory.peak, 0),
)


def resync_tables(records: Records) -> list[Table]:
    """A row for each operator and size."""
    found = records.by_name_and_size(ResyncResult)
    title = "A resync with everything right"
    return [table(title, _FIRST, _RESYNC, found, _RESYNC_NOTE)] if found else []


def steady_tables(records: Records) -> list[Table]:
    """A row for each operator and size."""
    found = records.by_name_and_size(SteadyResult)
    return [table("Steady state", _FIRST, _STEADY, found, _STEADY_NOTE)] if found else []
