"""The clock of the operator's node is set, forward and back, while it runs.

Its own clock decides when a hatch closes by itself. Nothing else may depend on it, and once it is
right again, so must be what stands.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.chaos.clock import Clock
from tests.chaos.extent import times
from tests.chaos.scene import Scene
from tests.chaos.wanted import UNTIL
from tests.cluster.spaces import DOMAIN, ENFORCEMENT, HATCH_POLICY, PROFILE, Space, Spaces

HOUR, MINUTES, DAY = 3600.0, 300.0, 86400.0


@pytest.fixture
def spaces(scene: Scene) -> Iterator[Spaces]:
    spaces = Spaces(scene.kube)
    yield spaces
    spaces.clear()


def hatched_for(spaces: Spaces, seconds: float) -> Space:
    """A Namespace whose hatch is to close by itself so many seconds from now."""
    until = datetime.now(UTC) + timedelta(seconds=seconds)
    annotation = {UNTIL.removeprefix(f"{DOMAIN}/").replace("-", "_"): f"{until:%FT%TZ}"}
    return spaces({PROFILE: "internal", ENFORCEMENT: "disabled"}, **annotation)


def test_a_clock_that_jumps_only_moves_deadlines_and_they_come_back_with_it(
    scene: Scene, spaces: Spaces
) -> None:
    # Nothing tells an operator that its clock was set; it sees so when it next looks.
    scene.settings["resyncSeconds"] = 1
    clock = Clock(scene.folder())
    jumps = (MINUTES, -MINUTES, DAY)
    scene.clocks += jumps
    dated = hatched_for(spaces, HOUR)
    with scene.operator(clock=clock) as operator:
        operator.wait_ready()
        dated.has(HATCH_POLICY)
        with scene.churn() as churn:
            for jump in jumps * times(1, 10):
                clock.set(jump)
                time.sleep(1.5)
            dated.lacks(HATCH_POLICY)
            clock.set(0.0)
            dated.has(HATCH_POLICY)
        scene.judge(f"a clock that jumped, {churn.steps} steps")
        assert operator.ended_by_itself == []


def test_a_deadline_that_passes_while_the_clock_is_behind_is_kept_once_it_is_right(
    scene: Scene, spaces: Spaces
) -> None:
    scene.settings["resyncSeconds"] = 1
    clock = Clock(scene.folder())
    scene.clocks.append(-MINUTES)
    with scene.operator(clock=clock) as operator:
        operator.wait_ready()
        dated = hatched_for(spaces, 3.0)
        dated.has(HATCH_POLICY)
        clock.set(-MINUTES)
        time.sleep(4.0)
        clock.set(0.0)
        dated.lacks(HATCH_POLICY)
        scene.judge("a deadline that passed while the clock was behind")
