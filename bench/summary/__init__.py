"""From records to tables: one module for each thing that was measured, and one for the bars."""

from __future__ import annotations

from bench.records import Records
from bench.summary.at_once import at_once_tables
from bench.summary.audit_page import audit_page_tables
from bench.summary.commands import command_tables
from bench.summary.failures import failures
from bench.summary.hatches import hatch_tables
from bench.summary.idle import resync_tables, steady_tables
from bench.summary.inspection import inspection_tables
from bench.summary.one_by_one import one_by_one_tables
from bench.summary.shared import grant_tables, redefinition_tables
from bench.summary.totals import total_tables
from bench.tables import Table


def tables(records: Records) -> list[Table]:
    """All tables of which there is something to show, in the order in which they are read."""
    return [
        *one_by_one_tables(records),
        *at_once_tables(records),
        *hatch_tables(records),
        *steady_tables(records),
        *resync_tables(records),
        *inspection_tables(records),
        *grant_tables(records),
        *redefinition_tables(records),
        *command_tables(records),
        *audit_page_tables(records),
        *total_tables(records),
        *failures(records),
    ]
