"""The table of one label at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.contenders import TUNED
from bench.figures import percentile
from bench.load.latency import BARE as BARE_KIND
from bench.load.latency import CREATED, KINDS, Sample
from bench.records import Records
from bench.scenarios.one_by_one import BareOneByOneResult
from bench.summary.columns import NONE, Column, each_round, samples, table, together
from bench.tables import Table

_NOTE = (
    "From the API server's answer to the change of the Namespace until a watch shows the policy;"
    " two columns from sending the change. p50: median of the rounds (least..most). p99 and most:"
    " of all rounds' samples together. to tuned: divided by controller-runtime's, tuned, for the"
    " same kind of change. bare client: the client that creates a Namespace writes its policy at"
    " once, the least that is possible."
)
Samples = Sequence[Sample]


def one_by_one_tables(records: Records) -> list[Table]:
    """A row for each kind of change and each contender."""
    tables = []
    for kind in (BARE_KIND, *KINDS):
        found = {
            name: {number: _of_kind(each.samples, kind) for number, each in rounds.items()}
            for name, rounds in records.by_name(BareOneByOneResult).items()
        }
        shown = CREATED if kind == BARE_KIND else kind
        rows = {
            f"{shown}: {name}": rounds for name, rounds in found.items() if any(rounds.values())
        }
        columns = _columns(together(found.get(TUNED, {}), seconds))
        tables.append(table("One label at a time", "milliseconds", columns, rows, _NOTE))
    rows_of_all = [row for each in tables for row in each.rows]
    return [Table(tables[0].title, tables[0].columns, rows_of_all, _NOTE)] if rows_of_all else []


def seconds(found: Samples) -> list[float]:
    """From the API server's answer to each change until its policy was seen."""
    return [sample.acknowledged for sample in found]


def _sent(found: Samples) -> list[float]:
    return [sample.sent for sample in found]


def _of_kind(found: Samples, kind: str) -> Samples:
    return [sample for sample in found if sample.kind == kind]


def _columns(tuned: Sequence[float]) -> tuple[Column[Samples], ...]:
    return (
        Column("samples", lambda found: str(len(together(found, seconds)))),
        each_round("p50", lambda found: 1e3 * percentile(seconds(found), 0.5), 1),
        samples("p99", seconds, 0.99),
        samples("most", seconds, 1),
        samples("p50 from sending", _sent, 0.5),
        samples("p99 from sending", _sent, 0.99),
        _to("p50 to tuned", tuned, 0.5),
        _to("p99 to tuned", tuned, 0.99),
    )


def _to(heading: str, tuned: Sequence[float], share: float) -> Column[Samples]:
    def cell(found: Mapping[int, Samples]) -> str:
        mine = percentile(together(found, seconds), share)
        return f"{mine / percentile(tuned, share):.2f}" if tuned else NONE

    return Column(heading, cell)
