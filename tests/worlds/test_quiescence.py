"""Whatever happens in whatever order, what stands in the end is a function of what is written down.

On a real API server, with the operator running and at times killed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from random import Random

import pytest

from lab.control_plane import Cluster
from tests.cluster.conftest import QUICK
from tests.cluster.kube import Kube, eventually
from tests.cluster.watched import resync
from tests.dice import seeded
from tests.running_operator import RunningOperator, running_operator
from tests.worlds.events import (
    random_event,
    relabelled,
    understood,
)
from tests.worlds.live import LiveWorld, Said, standing, wanted
from tests.worlds.random_definitions import APPS, OFFERED
from tests.worlds.random_worlds import random_app
from tests.worlds.readings import resolve, resources_of
from tests.worlds.summary import WORLDS_PROPERTY
from tests.worlds.world import PROFILE, World, access

SEQUENCES, EVENTS = 15, 40
# The end of a Namespace takes seconds, and what is to be kept must be waited for: not every time.
DELETING, KEEPING, KILLING = 3, 2, 4
NAMESPACES = (*APPS, "app-7", "app-8")


class Operators:
    """The operator, which can be killed and started again."""

    def __init__(self, cluster: Cluster, stack: ExitStack) -> None:
        self._cluster, self._stack = cluster, stack
        self.running = self._start()

    def kill(self) -> None:
        """As a crash would; the next one is up before this returns."""
        self.running.kill()
        self.running = self._start()

    def _start(self) -> RunningOperator:
        cluster = self._cluster
        return self._stack.enter_context(
            running_operator(cluster.kubeconfig, QUICK, context=cluster.context)
        )


@pytest.fixture
def operators(cluster: Cluster, quick_identities: None) -> Iterator[Operators]:
    """By Cilium's delays, what closed hatches leave behind is part of history for so long."""
    with ExitStack() as stack:
        yield Operators(cluster, stack)


@pytest.fixture
def live(kube: Kube, operators: Operators) -> Iterator[LiveWorld]:
    live = LiveWorld(kube)
    yield live
    live.clear()
    kube.wait_for_deletions()


def test_in_the_end_what_stands_is_a_function_of_what_is_written_down(
    kube: Kube,
    live: LiveWorld,
    operators: Operators,
    world_seed: str,
    record_property: Callable[[str, object], None],
) -> None:
    policies = kept = 0
    for number in range(SEQUENCES):
        dice = seeded(f"sequence {world_seed}/{number}")
        try:
            kill_at = dice.randrange(EVENTS) if number % KILLING == 0 else None
            for step in range(EVENTS):
                live.become(_next(dice, live.world, deleting=number % DELETING == 0))
                if step == kill_at:
                    operators.kill()
            _settle(live)
            before = _is_as_wanted(kube)
            policies += len(before)
            broken = _broken(dice, live.world) if number % KEEPING == 0 else None
            if broken is not None:
                kept += 1
                what, world = broken
                live.become(world)
                if number % KILLING == 2:
                    operators.kill()
                resync(operators.running, 2)
                assert _differences(standing(kube), before) == [], f"last good, after {what}"
                _settle(live)
        except (AssertionError, OSError) as error:
            error.add_note(f"seed {world_seed}, sequence {number}")
            operators.running.check()  # if it has died, its log says more
            raise
    record_property(
        WORLDS_PROPERTY,
        f"seed {world_seed}: {SEQUENCES} sequences of {EVENTS} events ended in {policies:,}"
        f" policies, all as wanted; {kept} times the last good ones were kept",
    )
    assert kept > SEQUENCES // 3


def _next(dice: Random, world: World, *, deleting: bool) -> World:
    """The world after one more event."""
    missing = [name for name in NAMESPACES if name not in world.spaces]
    there = [name for name in NAMESPACES if name in world.spaces]
    if missing and (len(there) < 3 or dice.random() < 0.2):
        name = dice.choice(missing)
        return replace(world, spaces={**world.spaces, name: random_app(dice, name, 0.5)})
    if deleting and there and dice.random() < 0.05:
        gone = dice.choice(there)
        left = {name: space for name, space in world.spaces.items() if name != gone}
        return replace(world, spaces=left)
    return random_event(dice, world).after


def _settle(live: LiveWorld) -> None:
    """Takes away what cannot be understood, so that what stands depends on no history."""
    world = understood(live.world)
    profiles = {
        name: each for name, each in world.profiles.items() if resolve(world, name) is not None
    }
    resources = {name: each for name, each in world.resources.items() if not each.mistake}
    live.become(understood(replace(world, profiles=profiles, resources=resources)))


def _is_as_wanted(kube: Kube) -> Said:
    kube.wait_for_deletions()

    def look() -> bool:
        differences = _differences(standing(kube), wanted(kube))
        assert not differences, differences[:5]
        return True

    eventually(look, "what stands to be what should")
    return standing(kube)


def _differences(found: Said, expected: Said) -> list[str]:
    lines = [f"{key}: should not be there" for key in found.keys() - expected.keys()]
    lines += [f"{key}: is missing" for key in expected.keys() - found.keys()]
    for key in found.keys() & expected.keys():
        (labels, body), (labels_wanted, body_wanted) = found[key], expected[key]
        if body != body_wanted:
            lines.append(f"{key}: says {body}, should say {body_wanted}")
        if not labels_wanted.items() <= labels.items():
            lines.append(f"{key}: has labels {labels}, should have {labels_wanted}")
    return sorted(lines)


def _broken(dice: Random, world: World) -> tuple[str, World] | None:
    """Something in use becomes unusable, after which everything must stand as it did before."""
    profiled = {
        name: space.labels[PROFILE]
        for name, space in world.spaces.items()
        if PROFILE in space.labels
    }
    custom = sorted({profile for profile in profiled.values() if profile in world.profiles})
    granted = sorted(
        name
        for name in resources_of(world)
        if name in OFFERED
        and any(space.labels.get(access(name)) == "true" for space in world.spaces.values())
    )
    choices: list[tuple[str, World]] = []
    for name, space in sorted(world.spaces.items()):
        if name in profiled:
            labels = {**space.labels, PROFILE: "standart"}
            mistyped = relabelled(world, name, labels, space.annotations)
            choices.append((f"{name}: profile=standart", mistyped))
    for name in custom:
        without = {key: each for key, each in world.profiles.items() if key != name}
        choices.append((f"NetworkProfile {name} goes", replace(world, profiles=without)))
        for how, wrong in (
            ("extends nothing", replace(world.profiles[name], extends="gone")),
            ("has a mistake", replace(world.profiles[name], mistake=True)),
        ):
            profiles = {**world.profiles, name: wrong}
            choices.append((f"NetworkProfile {name} {how}", replace(world, profiles=profiles)))
    for name in granted:
        without_it = {key: each for key, each in world.resources.items() if key != name}
        choices.append((f"SharedResource {name} goes", replace(world, resources=without_it)))
        resources = {**world.resources, name: replace(world.resources[name], mistake=True)}
        choices.append((f"SharedResource {name} is wrong", replace(world, resources=resources)))
    return dice.choice(choices) if choices else None
