"""The table of hatches that are opened while many other Namespaces are reconciled."""

from __future__ import annotations

from bench.records import Records
from bench.scenarios.hatches import BareHatchesResult
from bench.summary.columns import Column, each_round, samples, table, together
from bench.tables import Table

_NOTE = (
    "Every 50 ms the hatch of another Namespace is opened, whether the last one stands or not,"
    " while 32 clients create the others; only those count whose label was sent before the last"
    " of the others had its policy. From the API server's answer to the label until a watch shows"
    " the hatch's policy, and from sending the label. bare client: the client that labels the"
    " Namespace writes that policy as well, while others write those of the burst."
)


def seconds(found: BareHatchesResult) -> list[float]:
    """From the API server's answer to each label until its hatch was open."""
    return [one.acknowledged for one in found.opened]


def _sent(found: BareHatchesResult) -> list[float]:
    return [one.sent for one in found.opened]


_COLUMNS: tuple[Column[BareHatchesResult], ...] = (
    Column("hatches", lambda found: str(len(together(found, seconds)))),
    samples("p50", seconds, 0.5),
    samples("p99", seconds, 0.99),
    samples("most", seconds, 1),
    samples("p50 from sending", _sent, 0.5),
    samples("p99 from sending", _sent, 0.99),
    samples("most from sending", _sent, 1),
    each_round("the others, s", lambda found: found.burst.seconds, 1),
)


def hatch_tables(records: Records) -> list[Table]:
    """For each size, a row for each contender."""
    return [
        table(
            f"The hatch is opened while {size:,} namespaces are reconciled",
            "milliseconds",
            _COLUMNS,
            records.by_name(BareHatchesResult, size),
            _NOTE,
        )
        for size in records.sizes(BareHatchesResult)
    ]
