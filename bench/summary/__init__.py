"""From records to tables: one module for each thing that was measured."""

from __future__ import annotations

from collections.abc import Sequence

from bench.records import Records
from bench.summary.at_once import at_once_tables
from bench.summary.failures import failures
from bench.summary.latency import one_by_one_tables
from bench.summary.many import grant_tables, redefinition_tables
from bench.summary.promises import promises
from bench.summary.quiet import resync_tables, steady_tables
from bench.summary.under_load import hatch_tables
from bench.summary.weight import weight_tables
from bench.tables import Table


def tables(records: Records, ours: Sequence[str]) -> list[Table]:
    """All tables of which there is something to show, in the order in which they are read.

    Args:
        records: what was measured.
        ours: the names under which our own operator was measured.
    """
    return [
        *promises(records, ours),
        *one_by_one_tables(records),
        *at_once_tables(records),
        *hatch_tables(records),
        *grant_tables(records),
        *resync_tables(records),
        *steady_tables(records),
        *redefinition_tables(records),
        *weight_tables(records),
        *failures(records),
    ]
