"""Whatever happens in whatever order, and however often the operator is killed, it ends right."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from tests.cluster.conftest import QUICK
from tests.cluster.kube import Kube, cnp_path, eventually
from tests.cluster.spaces import (
    ENFORCEMENT,
    HATCH_POLICY,
    PROFILE,
    PROFILE_POLICY,
    Space,
    Spaces,
    access,
    profile_of,
)
from tests.cluster.watched import resync
from tests.dice import seeded
from tests.running_operator import running_operator

SEED = 2011  # any other must do as well
SPACES = 24
STEPS = 300
RESTARTS = 3
TARGETS = {"postgres": "database", "dragonfly": "cache", "garage-s3": "garage"}
PROFILES = ("isolated", "internal", "internal-egress", "standard", None)


def disturb(space: Space, kube: Kube, dice: random.Random) -> None:
    """One thing that a person, or a GitOps tool, might do to a Namespace or to our policies."""
    match dice.randrange(8):
        case 0 | 1 | 2:
            space.label({PROFILE: dice.choice(PROFILES)})
        case 3 | 4:
            space.label({access(dice.choice([*TARGETS, "kube-api"])): dice.choice(["true", None])})
        case 5:
            space.label({ENFORCEMENT: dice.choice(["disabled", None, None])})
        case 6:
            names = [PROFILE_POLICY, HATCH_POLICY, "homelab-access-postgres"]
            kube.delete(cnp_path(space.name, dice.choice(names)))
        case 7:
            path = cnp_path(space.name, PROFILE_POLICY)
            opened = {"spec": {"egress": [{"toEntities": ["all"]}]}}
            kube.call("PATCH", path, opened, content_type="application/merge-patch+json")


def wanted(labels: dict[str, str]) -> set[str]:
    """The policies that a Namespace must hold, by the vocabulary's table alone."""
    names = {PROFILE_POLICY} if PROFILE in labels else set()
    names |= {HATCH_POLICY} if labels.get(ENFORCEMENT) == "disabled" else set()
    granted = (name for name in (*TARGETS, "kube-api") if labels.get(access(name)) == "true")
    return names | {f"homelab-access-{name}" for name in granted}


def is_right(spaces: list[Space], kube: Kube) -> bool:
    """Everything stands as the labels say; an assertion tells what does not."""
    consumers: dict[str, set[str]] = {name: set() for name in TARGETS}
    for space in spaces:
        labels = space.manifest()["metadata"].get("labels", {})
        policies = space.policies()
        assert set(policies) == wanted(labels), (space.name, labels, sorted(policies))
        if PROFILE in labels:
            profile = policies[PROFILE_POLICY]
            assert profile_of(profile) == labels[PROFILE]
            assert {"toEntities": ["all"]} not in profile["spec"]["egress"]
        for name in TARGETS:
            if labels.get(access(name)) == "true" or labels.get(ENFORCEMENT) == "disabled":
                consumers[name].add(space.name)
    ours = {space.name for space in spaces}
    for name, namespace in TARGETS.items():
        policy = kube.cnp(namespace, f"homelab-grant-{name}")
        listed: set[str] = set()
        for rule in policy["spec"]["ingress"] if policy else ():
            listed.update(rule["fromEndpoints"][0]["matchExpressions"][0]["values"])
        assert listed & ours == consumers[name], name
    return True


def test_after_any_churn_and_any_number_of_kills_everything_is_as_the_labels_say(
    account: Path, kube: Kube, spaces: Spaces
) -> None:
    dice = seeded(SEED)
    apps = [spaces() for _ in range(SPACES)]
    with ExitStack() as stack, ThreadPoolExecutor(4) as pool:
        operator = stack.enter_context(running_operator(account, QUICK))
        for _ in range(RESTARTS):
            steps = [
                pool.submit(disturb, dice.choice(apps), kube, seeded(dice.random()))
                for _ in range(STEPS // RESTARTS)
            ]
            steps[len(steps) // 2].result()
            operator.kill()
            for step in steps:
                step.result()
            operator = stack.enter_context(running_operator(account, QUICK))
        eventually(lambda: is_right(apps, kube), "everything to be as the labels say")
        kube.wait_for_deletions()
        resync(operator, 2)
        before = kube.resource_versions()
        resync(operator)
        assert kube.resource_versions() == before, "it has come to rest"
    with running_operator(account, QUICK):
        assert kube.resource_versions() == before, "a newcomer finds nothing to do"
