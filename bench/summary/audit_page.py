"""The table of the audit's page, with its limits."""

from __future__ import annotations

from bench.figures import percentile
from bench.records import Records
from bench.scenarios.audit_page import NAMESPACES, AuditPageResult
from bench.summary.limits import less_than
from bench.tables import Table

_COLUMNS = ("what", "limit", "measured", "met")
_NOTE = (
    "Size and time to write it: the largest of the rounds. Answered: from the start of the"
    " navigation until the answer to a search, typed at once, is on the screen, in a new context"
    " of headless Chromium; the page comes from a file."
)


def audit_page_tables(records: Records) -> list[Table]:
    """A table for each state of our operator."""
    return [
        Table(f"Audit page, {NAMESPACES} namespaces, {name}", _COLUMNS, _rows(found), _NOTE)
        for name, rounds in records.by_name(AuditPageResult).items()
        if (found := list(rounds.values()))
    ]


def _rows(rounds: list[AuditPageResult]) -> list[list[str]]:
    size = max(each.size for each in rounds) / 1e6
    render = max(each.render for each in rounds)
    rows = [
        ["size", *less_than(3, "MB").cells(size)],
        ["written in", "-", f"{1e3 * render:.0f} ms", "-"],
    ]
    for width in rounds[0].answered:
        seconds = [value for each in rounds for value in each.answered[width]]
        for name, value in (("p50", percentile(seconds, 0.5)), ("worst", max(seconds))):
            rows.append([f"answered, {width} px, {name}", *less_than(1, "s").cells(value)])
    return rows
