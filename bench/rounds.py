"""Runs the rounds: every measurement once in each, so that a slow minute falls on all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bench.scenarios.at_once import AtOnceResult, measure_at_once
from bench.scenarios.ceiling import CeilingResult, measure_ceiling
from bench.scenarios.one_by_one import OneByOneResult, measure_one_by_one
from bench.scenarios.redefinition import RedefinitionResult, measure_redefinition
from bench.subjects import Subject


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run.

    Attributes:
        subjects: the operators to measure.
        rounds: how often.
        samples: changes of each kind, one at a time, in each round.
        namespaces: how many are created at once.
    """

    subjects: Sequence[Subject]
    rounds: int
    samples: int
    namespaces: int


@dataclass(slots=True)
class Round:
    """What one round came to; the operators' results by name."""

    ceiling: CeilingResult
    at_once: dict[str, AtOnceResult] = field(default_factory=dict)
    one_by_one: dict[str, OneByOneResult] = field(default_factory=dict)
    redefinition: dict[str, RedefinitionResult] = field(default_factory=dict)


def run_rounds(plan: Plan, tell: Callable[[str], None]) -> list[Round]:
    """Runs all rounds.

    Args:
        plan: what to run.
        tell: is told what is going on, in a line each time.

    Raises:
        LoadError: the API server did not do what it was asked to.
        SubjectError: an operator did not start or ended in disorder.
    """
    tell("learning what is written (not measured)")
    policies = measure_at_once(plan.subjects[0], plan.namespaces).policies
    if len(policies) != plan.namespaces:
        raise RuntimeError(f"{len(policies)} policies for {plan.namespaces} namespaces")
    rounds = []
    for number in range(1, plan.rounds + 1):
        begun = time.monotonic()
        prefix = f"round {number}/{plan.rounds}"
        # Whoever was first in one round is last in the next.
        subjects = plan.subjects if number % 2 else plan.subjects[::-1]
        tell(f"{prefix}: the bare client")
        found = Round(measure_ceiling(policies, plan.samples))
        tell(f"{prefix}: the bare client took {found.ceiling.burst.seconds:.2f} s")
        for subject in subjects:
            tell(f"{prefix}: {subject.name}, {plan.namespaces} namespaces at once")
            result = found.at_once[subject.name] = measure_at_once(subject, plan.namespaces)
            tell(f"{prefix}: {subject.name} took {result.burst.seconds:.2f} s")
        for subject in subjects:
            tell(f"{prefix}: {subject.name}, one label at a time")
            found.one_by_one[subject.name] = measure_one_by_one(subject, plan.samples)
        for subject in subjects:
            tell(f"{prefix}: {subject.name}, a profile with many users is changed")
            redefined = found.redefinition[subject.name] = measure_redefinition(subject)
            tell(f"{prefix}: {subject.name} took {redefined.changed.seconds:.2f} s")
        tell(f"{prefix}: done in {time.monotonic() - begun:.0f} s")
        rounds.append(found)
    return rounds
