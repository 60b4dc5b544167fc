"""Who is measured in what, how often and in which order."""

from __future__ import annotations

import pytest

from bench.contenders import BARE, LIMITED, PLAIN_KOPF, STOCK, TUNED, contenders, pick
from bench.plan import Measurement, Plan, measurements
from bench.scenarios.index import SCENARIOS
from bench.subjects import OURS

PLAN = Plan(
    contenders=contenders(),
    scenarios=SCENARIOS,
    rounds=3,
    large_rounds=2,
    samples=50,
    namespaces=(500,),
    large=5000,
    many=1000,
    seconds=60.0,
)
ALL = list(measurements(PLAN))


def of(scenario: str, contender: str = "") -> list[Measurement]:
    return [
        each
        for each in ALL
        if each.scenario.name == scenario and contender in ("", each.contender.name)
    ]


def test_the_first_in_one_round_is_the_last_in_the_next() -> None:
    orders = [
        [each.contender.name for each in of("at-once") if (each.round, each.namespaces) == (n, 500)]
        for n in (2, 3)
    ]
    assert orders[0] == orders[1][::-1]
    assert BARE in orders[0]


def test_the_large_size_is_measured_less_often() -> None:
    assert [each.round for each in of("at-once", OURS) if each.namespaces == 500] == [1, 2, 3]
    assert [each.round for each in of("at-once", OURS) if each.namespaces == 5000] == [1, 2]


def test_the_slow_one_has_one_round_with_fewer_samples_and_none_at_the_large_size() -> None:
    slow = [each for each in ALL if each.contender.name == LIMITED]
    assert {each.round for each in slow} == {1}
    assert {each.samples for each in slow} == {10}
    assert 5000 not in {each.namespaces for each in slow}
    assert not of("hatches", LIMITED)
    assert not of("steady", LIMITED)


def test_controller_runtime_as_it_comes_is_measured_in_everything_once() -> None:
    found = [each for each in ALL if each.contender.name == STOCK]
    assert {each.round for each in found} == {1}
    assert {5000, 500} <= {each.namespaces for each in found}


def test_no_operator_is_measured_in_what_it_cannot_do() -> None:
    assert {each.contender.name for each in of("redefinition") + of("command-line")} == {OURS}
    assert PLAIN_KOPF not in {each.contender.name for each in of("resync")}
    assert BARE not in {each.contender.name for each in of("steady")}


def test_hatches_and_the_steady_state_are_measured_at_the_largest_size_only() -> None:
    assert {each.namespaces for each in of("hatches") + of("steady")} == {5000}
    small = Plan(contenders(), SCENARIOS, 1, 1, 5, (250, 100), 0, 50, 1.0)
    found = [each for each in measurements(small) if each.scenario.name == "hatches"]
    assert {each.namespaces for each in found} == {250}


def test_contenders_are_picked_by_the_name_that_is_typed() -> None:
    picked = pick(contenders(), ["controller-runtime-tuned", "bare-client"])
    assert [each.name for each in picked] == [BARE, TUNED]
    with pytest.raises(LookupError, match="plain-kopf"):
        pick(contenders(), ["kopf"])
