"""The operator is killed at any moment, again and again, while the cluster is busy."""

from __future__ import annotations

import time

from tests.chaos.extent import times
from tests.chaos.scene import Scene
from tests.dice import seeded


def test_an_operator_that_is_killed_at_random_points_breaks_no_promise(scene: Scene) -> None:
    # A profile that goes now opens its Namespace: so it may only go when its label has.
    scene.settings["defaultDeny"] = "labelled"
    scene.settings["resyncSeconds"] = 10  # it finds policies without our label when it lists
    dice, kills = seeded(f"kills {scene.seed}"), times(8, 100)
    with scene.operator() as operator:
        with scene.churn() as churn:
            for _ in range(kills):
                if dice.random() < 0.5:
                    operator.wait_ready()
                time.sleep(dice.uniform(0.0, 1.5))
                operator.kill()
        operator.wait_ready()
        assert operator.ended_by_itself == []
        scene.judge(f"{kills} times killed in {churn.steps} steps")
