"""Whether a bar was met, with figures made up by hand."""

from __future__ import annotations

import pytest

from bench.contenders import BARE, LIMITED, PLAIN_KOPF, STOCK, TUNED
from bench.load.burst import Burst
from bench.load.latency import KINDS, Sample
from bench.processes import Memory
from bench.records import Record, Records
from bench.scenarios.at_once import AtOnceResult, BareAtOnceResult, RestartResult
from bench.scenarios.command_line import CommandLineResult
from bench.scenarios.commands import CommandsResult
from bench.scenarios.one_by_one import OneByOneResult
from bench.scenarios.resync import ResyncResult
from bench.scenarios.steady import SteadyResult
from bench.subjects import OURS
from bench.summary import tables
from bench.summary.bars import BARS, bars
from bench.summary.limits import Limit, at_least, at_most, less_than, none_at_all

CPU = {"API server": 1.0, "operator": 1.0, "others": 0.0, "machine": 10.0}


def burst(seconds: float, size: int = 500) -> Burst:
    return Burst(0.0, seconds, (0.1,) * size, 0.1)


def at_once(seconds: float, *, peak: float = 100.0, written: int = 0, size: int = 500) -> object:
    used = Memory(80.0, peak)
    restart = RestartResult(1.0, 1.0, written, used)
    return AtOnceResult(burst(seconds, size), CPU, 1.0, used, used, restart, 0)


def judged(*found: Record) -> dict[str, str]:
    """Whether each bar was met, by its text; those that were not measured are left out."""
    records = Records({}, found=list(found))
    rows = [row for table in bars(records, [OURS]) for row in table.rows]
    return {row[1]: row[-1] for row in rows if row[-1] != "-"}


def bursts(size: int, **seconds: float) -> list[Record]:
    names = {"ours": OURS, "kopf": PLAIN_KOPF, "tuned": TUNED, "stock": STOCK, "limited": LIMITED}
    found = [Record(1, "at-once", BARE, size, BareAtOnceResult(burst(seconds["bare"], size), CPU))]
    found += [
        Record(1, "at-once", names[key], size, at_once(value, size=size))
        for key, value in seconds.items()
        if key != "bare"
    ]
    return found


@pytest.mark.parametrize(
    ("limit", "met", "missed"),
    [
        (less_than(10.0), 9.99, 10.0),
        (at_most(1.0), 1.0, 1.01),
        (at_least(0.9), 0.9, 0.89),
        (none_at_all(), 0, 1),
    ],
)
def test_a_limit_says_on_which_side_it_is_met(limit: Limit, met: float, missed: float) -> None:
    assert [limit.cells(value)[-1] for value in (met, missed, None)] == ["yes", "NO", "-"]


def test_rates_are_held_against_those_of_the_same_round() -> None:
    kept = judged(*bursts(500, bare=1.0, ours=1.1, tuned=1.2, kopf=2.3, stock=2.0, limited=100.0))
    assert kept["500 at once: rate, to the bare client's"] == "yes"
    assert kept[f"500 at once: rate, to that of {TUNED}"] == "yes"
    assert kept[f"500 at once: rate, to that of {PLAIN_KOPF}"] == "yes"
    assert kept[f"500 at once: rate, to that of {STOCK}"] == "NO"
    assert kept[f"500 at once: rate, to that of {LIMITED}"] == "yes"
    missed = judged(*bursts(5000, bare=1.0, ours=1.2, tuned=1.1, kopf=2.3))
    assert missed["5,000 at once: rate, to the bare client's"] == "NO"
    assert missed[f"5,000 at once: rate, to that of {TUNED}"] == "NO"
    assert missed[f"5,000 at once: rate, to that of {PLAIN_KOPF}"] == "NO"


def test_the_slow_ones_only_round_counts_against_ours_of_that_round() -> None:
    ours = [Record(n, "at-once", OURS, 500, at_once(s)) for n, s in ((1, 2.0), (2, 1.0))]
    slow = Record(1, "at-once", LIMITED, 500, at_once(90.0))
    assert judged(*ours, slow)[f"500 at once: rate, to that of {LIMITED}"] == "NO"


def test_a_single_write_at_a_restart_misses_the_bar() -> None:
    quiet = Record(1, "at-once", OURS, 500, at_once(1.0))
    assert judged(quiet)["policies written at a restart"] == "yes"
    busy = Record(2, "at-once", OURS, 500, at_once(1.0, written=1))
    assert judged(quiet, busy)["policies written at a restart"] == "NO"


def test_a_resync_counts_into_the_steady_state() -> None:
    used = Memory(80.0, 100.0)
    cpu = {**CPU, "operator": 0.3}
    steady = Record(1, "steady", OURS, 5000, SteadyResult(60.0, cpu, 0, {}, used))
    resync = Record(1, "resync", OURS, 5000, ResyncResult(2.4, 0, used))
    kept = judged(steady, resync)
    assert kept["steady state at 5,000, the worst round: of a core"] == "yes"  # 0.5 %
    assert kept["steady state at 5,000, with a resync every 300 s: of a core"] == "NO"  # 1.3 %
    assert kept["steady state at 5,000: writes"] == "yes"


def test_any_request_to_write_misses_the_bar_of_a_quiet_steady_state() -> None:
    used = Memory(80.0, 100.0)
    found = SteadyResult(60.0, CPU, 0, {"patch leases": 3}, used)
    assert judged(Record(1, "steady", OURS, 5000, found))["steady state at 5,000: writes"] == "NO"


def test_a_run_with_other_sizes_judges_no_bar_that_is_for_these() -> None:
    assert not [text for text in judged(*bursts(100, bare=1.0, ours=5.0)) if "at once" in text]


def test_one_label_at_a_time_is_held_against_the_tuned_peer_over_all_kinds() -> None:
    def found(name: str, milliseconds: float) -> Record:
        samples = [Sample(kind, milliseconds / 1e3, 0.1) for kind in KINDS]
        used = Memory(80.0, 100.0)
        return Record(1, "one-by-one", name, 50, OneByOneResult(samples, CPU, 6, used))

    quick, slow = (judged(found(OURS, each), found(TUNED, 6.0)) for each in (5.0, 7.0))
    for share in ("p50", "p99"):
        text = f"label to policy, {share} of all kinds, to tuned controller-runtime's"
        assert (quick[text], slow[text]) == ("yes", "NO")


def test_each_command_has_a_bar_and_the_slowest_start_counts() -> None:
    seconds = {
        "render, 1,000 namespaces": [0.9, 0.8, 1.2],
        "diff, 1,000 namespaces": [1.1],
        "start of render": [0.2],
        "start of diff": [0.5],
    }
    found = CommandsResult(seconds, seconds, {"lint, 1,000 policies": "there is no command lint"})
    record = Record(1, "commands", OURS, 50, found)
    assert judged(record) == {
        "render of 1,000 namespaces, p50": "yes",
        "diff of 1,000 namespaces, p50": "NO",
        "the slowest start of a command, p50": "NO",
    }
    [shown] = [each for each in tables(Records({}, found=[record])) if "Commands" in each.title]
    assert [row[0] for row in shown.rows if row[1] == "-"] == ["lint, 1,000 policies"]


def test_the_help_of_the_command_line_has_a_bar() -> None:
    found = Record(1, "command-line", OURS, 50, CommandLineResult([0.15, 0.25, 0.19]))
    assert judged(found) == {"homelab-netpol --help, p50": "yes"}


def test_a_bar_that_was_not_measured_is_shown_as_such() -> None:
    (table,) = bars(Records({}, found=bursts(500, bare=1.0, ours=1.1)), [OURS])
    assert [row[1] for row in table.rows] == [bar.figure for bar in BARS]
    assert "-" in {row[-1] for row in table.rows}


def test_tables_show_only_what_was_measured() -> None:
    assert tables(Records({})) == bars(Records({}), [OURS]) == []
    found = Records({}, found=bursts(500, bare=1.0, ours=1.1))
    titles = [table.title for table in tables(found)]
    assert "500 namespaces at once" in titles
    assert not [title for title in titles if "hatch" in title or "grant" in title]
