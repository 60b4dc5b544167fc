"""The hatch, opened while everything else is busy."""

from __future__ import annotations

from collections.abc import Mapping

from bench.contenders import BARE
from bench.records import Records
from bench.scenarios.hatches import BareHatchesResult, HatchesResult
from bench.summary.by_round import milliseconds, spread, together
from bench.tables import Table

Hatches = Mapping[int, HatchesResult | BareHatchesResult]

_NOTE = (
    "Every 50 ms the hatch of another Namespace is opened, whether the last one stands or not,"
    " while 32 clients create the others; only those count whose label was sent before the last"
    " of the others had its policy. From the API server's answer to the label until a watch shows"
    " the hatch's policy, and from sending the label. bare client: whoever labels the Namespace"
    " writes that policy as well, while others write those of the burst."
)
_COLUMNS = (
    *("milliseconds", "hatches", "p50", "p99", "most"),
    *("p50 from sending", "p99 from sending", "most from sending", "the others, s"),
)


def hatch_tables(records: Records) -> list[Table]:
    """For each size, a row for each contender."""
    found = []
    for size in records.sizes(HatchesResult, BareHatchesResult):
        bare = records.of(BareHatchesResult, BARE, size)
        everybody: dict[str, Hatches] = {BARE: bare} if bare else {}
        for name in records.who(HatchesResult, size):
            everybody[name] = records.of(HatchesResult, name, size)
        rows = [_row(name, hatches) for name, hatches in everybody.items()]
        title = f"The hatch is opened while {size:,} namespaces are reconciled"
        found.append(Table(title, _COLUMNS, rows, _NOTE))
    return found


def waits(found: Mapping[int, HatchesResult]) -> list[float]:
    """Seconds from the answer to each label until its hatch was open, of all rounds."""
    return together(found, lambda each: [one.acknowledged for one in each.opened])


def _row(name: str, found: Hatches) -> list[str]:
    acknowledged = together(found, lambda each: [one.acknowledged for one in each.opened])
    sent = together(found, lambda each: [one.sent for one in each.opened])
    return [
        name,
        str(len(acknowledged)),
        *(milliseconds(acknowledged, share) for share in (0.5, 0.99, 1)),
        *(milliseconds(sent, share) for share in (0.5, 0.99, 1)),
        spread(found, lambda each: each.burst.seconds, 1),
    ]
