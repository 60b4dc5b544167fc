"""What is measured, and in which order: all of it once a round, so that a slow minute is shared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.contenders import Contender
from bench.scenarios.index import Scenario, Sizes

_SLOW_SAMPLES = 5  # a slow operator has so many times fewer


@dataclass(frozen=True, slots=True)
class Plan:
    """The size of a run.

    Attributes:
        contenders: what to measure, in the order of the tables.
        scenarios: in which scenarios.
        rounds: how often.
        large_rounds: how often with the large number of Namespaces.
        samples: how often something that takes milliseconds is done in each round.
        namespaces: the ordinary numbers of Namespaces.
        large: a number of Namespaces that takes long; 0: no such measurements.
        many: how many Namespaces share one profile or one grant.
        seconds: how long an operator that has nothing to do is watched.
    """

    contenders: Sequence[Contender]
    scenarios: Sequence[Scenario]
    rounds: int
    large_rounds: int
    samples: int
    namespaces: Sequence[int]
    large: int
    many: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Measurement:
    """One thing to measure, of one contender, in one round."""

    round: int
    scenario: Scenario
    contender: Contender
    namespaces: int
    samples: int


def measurements(plan: Plan) -> Iterator[Measurement]:
    """All measurements in their order.

    A slow operator is never measured with the large number, and has fewer samples.
    """
    for number in range(1, max(plan.rounds, plan.large_rounds) + 1):
        # The first in one round is the last in the next.
        order = plan.contenders if number % 2 else plan.contenders[::-1]
        for scenario in plan.scenarios:
            for size in _sizes(plan, scenario, number):
                for contender in order:
                    if not _is_measured(plan, scenario, contender, size, number):
                        continue
                    samples = plan.samples
                    if contender.slow:
                        samples = max(1, samples // _SLOW_SAMPLES)
                    yield Measurement(number, scenario, contender, size, samples)


def _sizes(plan: Plan, scenario: Scenario, number: int) -> list[int]:
    ordinary = list(plan.namespaces) if number <= plan.rounds else []
    large = [plan.large] if plan.large and number <= plan.large_rounds else []
    match scenario.sizes:
        case Sizes.SAMPLES:
            return [plan.samples] if ordinary else []
        case Sizes.MANY:
            return [plan.many] if ordinary else []
        case Sizes.EACH:
            return ordinary + large
        case Sizes.LARGEST:
            return large if plan.large else sorted(ordinary)[-1:]


def _is_measured(
    plan: Plan, scenario: Scenario, contender: Contender, size: int, number: int
) -> bool:
    if contender.subject is None:
        return scenario.bare is not None
    if contender.once and number > 1:
        return False
    if contender.slow and (size == plan.large or not scenario.of_slow):
        return False
    return (contender.ours or not scenario.ours_only) and (
        contender.resyncs or not scenario.of_resyncs
    )
