"""The API server, or etcd, is killed and started again while the cluster is busy."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.chaos.extent import times
from tests.chaos.scene import Scene
from tests.dice import seeded


def kill_apiserver(scene: Scene) -> None:
    scene.plane.restart_apiserver()


def kill_etcd(scene: Scene) -> None:
    scene.plane.etcd.kill()
    time.sleep(0.5)
    scene.plane.etcd.start()
    scene.plane.wait_ready()


@pytest.mark.parametrize("kill", [kill_apiserver, kill_etcd])
def test_a_control_plane_that_is_killed_costs_no_promise(
    kill: Callable[[Scene], None], scene: Scene
) -> None:
    dice, kills = seeded(f"{kill.__name__} {scene.seed}"), times(2, 20)
    with scene.operator() as operator:
        operator.wait_ready()
        with scene.churn() as churn:
            for _ in range(kills):
                time.sleep(dice.uniform(1.0, 3.0))
                with scene.blinding():
                    kill(scene)
            time.sleep(2.0)
        scene.judge(f"{kill.__name__}, {kills} times, in {churn.steps} steps")
