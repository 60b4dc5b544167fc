"""One label at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.contenders import BARE, TUNED
from bench.figures import percentile
from bench.load.latency import BARE as BARE_KIND
from bench.load.latency import CREATED, KINDS, Sample
from bench.records import Records
from bench.scenarios.one_by_one import BareOneByOneResult, OneByOneResult
from bench.summary.by_round import NONE, milliseconds, spread
from bench.tables import Table

_COLUMNS = (
    *("milliseconds", "samples", "p50", "p99", "most"),
    *("p50 from sending", "p99 from sending", "p50 to tuned", "p99 to tuned"),
)
_NOTE = (
    "From the API server's answer to the change of the Namespace until a watch shows the policy;"
    " two columns from sending the change. p50: median of the rounds (least..most). p99 and most:"
    " of all rounds' samples together. to tuned: divided by controller-runtime's, tuned, for the"
    " same kind of change. bare client: whoever created the Namespace writes the policy at once,"
    " the least that is possible."
)
ByRound = Mapping[int, Sequence[Sample]]


def one_by_one_tables(records: Records) -> list[Table]:
    """A row for each kind of change and each contender."""
    found = []
    for size in records.sizes(OneByOneResult, BareOneByOneResult):
        bare = records.of(BareOneByOneResult, BARE, size)
        rows = []
        if bare:
            by_round = {number: each.samples for number, each in bare.items()}
            rows.append(_row(f"{CREATED}: {BARE}", _of_kind(by_round, BARE_KIND), {}))
        names = records.who(OneByOneResult, size)
        samples = {name: _samples(records, name, size) for name in names}
        for kind in KINDS:
            tuned = _of_kind(samples.get(TUNED, {}), kind)
            for name in names:
                rows.append(_row(f"{kind}: {name}", _of_kind(samples[name], kind), tuned))
        found.append(Table("One label at a time", _COLUMNS, rows, _NOTE))
    return found


def all_kinds(records: Records, name: str, size: int) -> list[float]:
    """Seconds of every change, whatever its kind, from the answer to the policy."""
    by_round = _samples(records, name, size)
    return [sample.acknowledged for samples in by_round.values() for sample in samples]


def _samples(records: Records, name: str, size: int) -> ByRound:
    found = records.of(OneByOneResult, name, size)
    return {number: each.samples for number, each in found.items()}


def _of_kind(by_round: ByRound, kind: str) -> dict[int, list[Sample]]:
    return {
        number: [sample for sample in samples if sample.kind == kind]
        for number, samples in by_round.items()
    }


def _row(
    text: str, found: Mapping[int, list[Sample]], tuned: Mapping[int, list[Sample]]
) -> list[str]:
    acknowledged = [sample.acknowledged for samples in found.values() for sample in samples]
    sent = [sample.sent for samples in found.values() for sample in samples]
    theirs = [sample.acknowledged for samples in tuned.values() for sample in samples]

    def median(samples: Sequence[Sample]) -> float:
        return 1e3 * percentile([sample.acknowledged for sample in samples], 0.5)

    def to_tuned(share: float) -> str:
        if not theirs:
            return NONE
        return f"{percentile(acknowledged, share) / percentile(theirs, share):.2f}"

    return [
        text,
        str(len(acknowledged)),
        spread(found, median, 1),
        milliseconds(acknowledged, 0.99),
        milliseconds(acknowledged, 1),
        milliseconds(sent, 0.5),
        milliseconds(sent, 0.99),
        to_tuned(0.5),
        to_tuned(0.99),
    ]
