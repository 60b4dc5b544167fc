"""The operator's rights, or its credentials, are taken away and given back."""

from __future__ import annotations

import time

from tests.chaos.extent import times
from tests.chaos.scene import Scene
from tests.cluster.kube import Kube, eventually
from tests.dice import seeded

ACCOUNT = "homelab-netpol"
PATH = "/api/v1/namespaces?limit=1"


def test_an_operator_whose_rights_come_back_makes_up_for_the_time_without(scene: Scene) -> None:
    dice, often = seeded(f"rights {scene.seed}"), times(2, 10)
    with scene.operator() as operator:
        operator.wait_ready()
        with scene.churn() as churn:
            for _ in range(often):
                time.sleep(dice.uniform(0.5, 1.5))
                with scene.blinding():
                    scene.rights.take()
                    time.sleep(dice.uniform(0.5, 3.0))
                    scene.rights.give()
            time.sleep(1.0)
        scene.judge(f"rights taken away {often} times in {churn.steps} steps")


def test_an_operator_whose_token_dies_goes_on_with_the_next(scene: Scene) -> None:
    kubeconfig = scene.kubeconfig(ACCOUNT, scene.folder())
    with scene.operator(kubeconfig=kubeconfig) as operator:
        operator.wait_ready()
        with scene.blinding():
            # Another account of the same name: the tokens of the former one are worthless for good.
            scene.rights.delete_account(ACCOUNT)
            scene.rights.create_account(ACCOUNT)
            as_operator = Kube(kubeconfig, scene.plane.context)
            # The API server remembers for ten seconds that a token was good.
            eventually(lambda: as_operator.call("GET", PATH)[0] == 401, "the token to be refused")
            as_operator.close()
            with scene.churn() as churn:
                time.sleep(2.0)
                # As a kubelet renews the token of a Pod.
                scene.rights.write_kubeconfig(ACCOUNT, kubeconfig)
                time.sleep(2.0)
        scene.judge(f"a token that died, {churn.steps} steps")
