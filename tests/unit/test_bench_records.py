"""What was measured survives whatever comes after it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.contenders import Contender
from bench.load.api import LoadError
from bench.load.written import Written
from bench.plan import Measurement
from bench.records import Record, Records
from bench.report import run
from bench.scenarios.bench_plane import Extent
from bench.scenarios.index import Scenario, Sizes
from bench.subjects import Subject, own
from bench.summary.failures import failures

EXTENT = Extent(500, 50, 1.0, Written({}, b"", b"", b""))
HERE = Contender("here", own())
BROKEN = Contender("broken", own("broken"))


@dataclass(frozen=True)
class Figure:
    """What a scenario might come to."""

    seconds: float


def measure(subject: Subject, extent: Extent) -> Figure:
    if subject.name == "broken":
        raise LoadError("nothing came")
    return Figure(1.5)


SCENARIO = Scenario("try", Sizes.EACH, measure)


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records({"cores": "2"}, tmp_path / "out.json")


def make(records: Records, *contenders: Contender) -> list[str]:
    told: list[str] = []
    todo = [Measurement(1, SCENARIO, each, 500, 50) for each in contenders]
    run(todo, records, lambda _: EXTENT, told.append)
    return told


def test_a_measurement_that_fails_keeps_no_other_from_being_made(records: Records) -> None:
    told = make(records, BROKEN, HERE)
    assert records.of(Figure, "here", 500) == {1: Figure(1.5)}
    assert any("nothing came" in line for line in told)
    (table,) = failures(records)
    assert [cell for row in table.rows for cell in row if "nothing came" in cell]


def test_everything_is_written_down_as_it_comes(records: Records, tmp_path: Path) -> None:
    for number, contender in enumerate((HERE, BROKEN), start=1):
        make(records, contender)
        written = json.loads((tmp_path / "out.json").read_text())
        assert len(written["records"]) == number
        assert written["machine"] == {"cores": "2"}
        assert written["records"][0]["result"] == {"seconds": 1.5}
    assert "nothing came" in written["records"][1]["error"]
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]


def test_results_are_found_by_kind_contender_and_size_round_by_round() -> None:
    found = Records({})
    for number, contender, size in ((1, "a", 500), (2, "a", 500), (1, "b", 500), (1, "a", 5000)):
        found.add(Record(number, "try", contender, size, Figure(number + size)))
    assert found.of(Figure, "a", 500) == {1: Figure(501), 2: Figure(502)}
    assert list(found.by_name(Figure, 500)) == ["a", "b"]
    assert list(found.by_name_and_size(Figure)) == ["a, 500", "b, 500", "a, 5,000"]
    assert found.sizes(Figure) == [500, 5000]
    assert found.rounds() == 2
    assert found.of(Extent, "a", 500) == {}
