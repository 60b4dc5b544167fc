"""An operator that reaches the API server only through a proxy that fails when told to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

from tests.chaos.extent import LONG, times
from tests.chaos.scene import Scene
from tests.cluster.faulty_proxy import FaultyProxy
from tests.dice import seeded

# Makes the proxy fail for as long as a `with` block lasts.
Spell = Callable[[FaultyProxy], AbstractContextManager[object]]


def arranged(spells: Mapping[str, Spell]) -> list[Mapping[str, Spell]]:
    """What is tried in one test: each spell by itself in the long run, else all in a row."""
    return [{name: spell} for name, spell in spells.items()] if LONG else [spells]


@contextmanager
def operator_behind(scene: Scene) -> Iterator[FaultyProxy]:
    """A proxy, and an operator behind it, for the length of the block."""
    kubeconfig = scene.kubeconfig("homelab-netpol", scene.folder())
    with (
        FaultyProxy(kubeconfig, scene.plane.context) as proxy,
        scene.operator(kubeconfig=proxy.kubeconfig) as operator,
    ):
        operator.wait_ready()
        yield proxy


def endure(scene: Scene, spells: Mapping[str, Spell]) -> None:
    """The cluster is busy while the proxy fails in one way after the other; then all is judged."""
    what = ", ".join(spells)
    dice = seeded(f"{what} {scene.seed}")
    with operator_behind(scene) as proxy:
        with scene.churn() as churn:
            for _ in range(times(1, 10)):
                for spell in spells.values():
                    time.sleep(dice.uniform(0.5, 1.5))
                    with scene.blinding(), spell(proxy):
                        time.sleep(dice.uniform(0.5, 2.0))
            time.sleep(1.0)
        scene.judge(f"{what}: {churn.steps} steps")
