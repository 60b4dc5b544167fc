"""What could not be measured, and whether what was measured is worth anything."""

from __future__ import annotations

from bench.figures import Spread
from bench.records import Records
from bench.tables import Table

_DISTURBED = 0.1


def failures(records: Records) -> list[Table]:
    """A row for each measurement that failed."""
    rows = [
        [
            f"{each.contender}, {each.scenario}, {each.namespaces:,}",
            str(each.round),
            each.error.splitlines()[0],
        ]
        for each in records.failed()
    ]
    columns = ("measurement", "round", "what happened")
    note = "The rest of what happened was printed when it did, and is in the JSON."
    return [Table("What could not be measured", columns, rows, note)] if rows else []


def disturbed(records: Records) -> str:
    """A warning if the figures are not worth much; else nothing."""
    used = [cpu for each in records.found if (cpu := _cpu(each.result))]
    if not used:
        return ""
    share = Spread.of([cpu["others"] / cpu["machine"] for cpu in used])
    if share.median <= _DISTURBED:
        return ""
    return (
        f"Other programs took {share.median:.0%} of the machine meanwhile (at most"
        f" {share.most:.0%}). Times mean little, and a ratio only something where both sides had"
        " about the same `others`. Measure again on a machine that is free."
    )


def _cpu(result: object) -> dict[str, float]:
    """CPU seconds by process, of the results that tell them apart."""
    cpu = getattr(result, "cpu", None)
    return cpu if isinstance(cpu, dict) and "machine" in cpu else {}
