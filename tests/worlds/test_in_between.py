"""While something changes, nothing is denied that was allowed before and will be allowed after."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

import pytest

from homelab_netpol.policy.objects import Policy
from lab.control_plane import Engine, Flow
from tests.dice import seeded
from tests.worlds.events import Event, random_event, understood
from tests.worlds.flows import pick
from tests.worlds.judge import as_flow
from tests.worlds.oracle import Oracle
from tests.worlds.random_worlds import random_world
from tests.worlds.rendered import enforce, people, policies_of
from tests.worlds.steps import Standing, between
from tests.worlds.summary import WORLDS_PROPERTY
from tests.worlds.world import World

_TRIES, _FLOWS = 400, 80
_SHOWN = 5


@dataclass(frozen=True)
class Change:
    """Something that happens to a world, and one way in which the operator follows.

    Attributes:
        what: happens, in words.
        worlds: before and after.
        policies: that stand before, and after.
        steps: what is written, and what then stands; the last one is the new state.
    """

    what: str
    worlds: tuple[World, World]
    policies: tuple[Sequence[Policy], Sequence[Policy]]
    steps: Sequence[tuple[str, Standing]]


@dataclass
class Tally:
    """What came of all changes: how many, the states in between, and the questions about these."""

    changes: int = 0
    states: int = 0
    questions: int = 0


def change(dice: Random) -> Change:
    """One change of a world in which everything is understood, so that no history matters."""
    old = understood(random_world(dice))
    event = random_event(dice, old)
    if old.scope == "labelled" and dice.random() < 0.2:
        # As `defaultDeny: auto` does, which closes only where nobody is cut off by it.
        event = Event("the baselines close", replace(old, scope="workload"))
    new = understood(event.after)
    policies = policies_of(old), policies_of(new)
    return Change(event.what, (old, new), policies, list(between(dice, *policies)))


def denied_in_between(engine: Engine, change: Change, dice: Random, tally: Tally) -> list[str]:
    """Flows that no state in between may deny, and one does.

    Cilium learns a label of a Namespace sooner or later than the policies change: so all is asked
    with the labels before, and again with those after.
    """
    old, new = change.worlds
    before, after = change.policies
    expected = [each for w in change.worlds for each in pick(Oracle(w), dice, _TRIES, _FLOWS)]
    flows = list({as_flow(each) for each in expected if each.allowed})
    people(engine, old)
    flows = _allowed(engine, old, before, flows)
    people(engine, new)
    flows = _allowed(engine, new, after, flows)
    wrong: list[str] = []
    for known, labels in ((old, "old"), (new, "new")):
        people(engine, known)
        # What Cilium does not know yet is not the operator's to mend.
        steady = _allowed(engine, known, after, _allowed(engine, known, before, flows))
        for number, (_, standing) in enumerate(change.steps[:-1]):
            tally.states += 1
            tally.questions += len(steady)
            passing = set(_allowed(engine, known, list(standing.values()), steady))
            written = "; ".join(what for what, _ in change.steps[: number + 1])
            wrong += [
                f"{change.what} (defaultDeny: {known.scope})\n    after: {written}\n"
                f"    with {labels} labels, {flow} is denied"
                for flow in steady
                if flow not in passing
            ]
    return wrong


def _allowed(
    engine: Engine, world: World, policies: Sequence[Policy], flows: list[Flow]
) -> list[Flow]:
    """Those of the flows that pass with these policies and what is written by hand in a world."""
    enforce(engine, world, policies)
    return [flow for flow, v in zip(flows, engine.verdicts(flows), strict=True) if v.allowed]


def test_no_state_in_between_denies_what_both_the_old_and_the_new_allow(
    engine: Engine,
    world_seed: str,
    world_count: int,
    record_property: Callable[[str, object], None],
) -> None:
    tally = Tally()
    wrong: list[str] = []
    for number in range(world_count):
        dice = seeded(f"change {world_seed}/{number}")
        made = change(dice)
        if len(made.steps) > 1:
            tally.changes += 1
            wrong += denied_in_between(engine, made, dice, tally)[:1]
    text = (
        f"seed {world_seed}: {tally.questions:,} flows in {tally.states:,} states of"
        f" {tally.changes:,} changes; in {len(wrong):,} of these something is denied in between"
    )
    record_property(WORLDS_PROPERTY, text)
    assert tally.changes > 0.25 * world_count, text
    if wrong:
        pytest.fail("\n".join([text, *wrong[:_SHOWN]]), pytrace=False)


def test_deletions_that_come_first_would_be_noticed(engine: Engine, world_seed: str) -> None:
    for number in range(1000):
        dice = seeded(f"change {world_seed}/{number}")
        made = change(dice)
        backwards = replace(made, steps=list(between(dice, *made.policies, deletions_first=True)))
        if len(made.steps) > 1 and denied_in_between(engine, backwards, dice, Tally()):
            return
    pytest.fail(f"seed {world_seed}: nothing was denied in between", pytrace=False)
