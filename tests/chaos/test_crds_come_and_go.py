"""Cilium's CRDs are missing at the start, or are removed while the operator runs."""

from __future__ import annotations

import time
from functools import partial

import pytest

from lab.control_plane import Lab
from tests.chaos.extent import LONG
from tests.chaos.foreign import POLICIES
from tests.chaos.scene import Scene
from tests.cluster.kube import eventually

_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def remove(scene: Scene) -> None:
    """Removes both CRDs, and with them every policy; returns when all are gone."""
    paths = [f"{_CRDS}/{kind}.cilium.io" for kind in POLICIES]
    for path in paths:
        scene.kube.delete(path)
    for path in paths:
        eventually(partial(_gone, scene, path), f"{path} to be gone")


def _gone(scene: Scene, path: str) -> bool:
    return scene.kube.get(path) is None


def test_the_operator_begins_when_the_crds_come(scene: Scene, lab: Lab) -> None:
    remove(scene)
    with scene.operator() as operator:
        with scene.churn() as churn:
            time.sleep(3.0)
            assert not operator.ready(), "it cannot know what stands"
            scene.plane.install_crds(lab.policy_crds)
            operator.wait_ready()
            time.sleep(1.0)
        scene.judge(f"CRDs came late, {churn.steps} steps")


@pytest.mark.parametrize("seconds", [0.0, 10.0] if LONG else [2.0], ids="{:g} s".format)
def test_policies_come_back_when_the_crds_do(seconds: float, scene: Scene, lab: Lab) -> None:
    with scene.operator() as operator:
        operator.wait_ready()
        with scene.churn() as churn:
            time.sleep(1.0)
            with scene.blinding():
                remove(scene)
                time.sleep(seconds)
                scene.plane.install_crds(lab.policy_crds)
            time.sleep(1.0)
        verdict = scene.judge(f"CRDs removed and installed again, {churn.steps} steps")
    assert verdict.writes
