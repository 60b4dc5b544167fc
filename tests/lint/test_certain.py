"""What is reported is so: Cilium's engine gives the same verdicts without it.

Random pods and policies, all of them given. A policy that is said to select no pod, a rule that is
said never to hold, a peer that is said to be no pod: each is taken away, and nothing may change.
"""

from __future__ import annotations

import copy
import os
from collections import Counter
from typing import Any

import pytest
import yaml

from lab.control_plane import Engine, Verdict
from tests.lint.linted import findings
from tests.truth.random_around import GeneratorAround
from tests.truth.random_policies import NAMESPACES, Json
from tests.truth.verdict_world import World

SEED = os.environ.get("LINT_SEED", "1")
WORLDS = int(os.environ.get("LINT_WORLDS", "120"))
NO_POD = {"matchLabels": {"app": "none-at-all"}}


def surroundings(world: World) -> list[Json]:
    """Its Namespaces and pods as manifests."""
    spaces: list[Json] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        for name, labels in NAMESPACES.items()
    ]
    pods: list[Json] = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": pod.name.replace("/", "-"),
                "namespace": pod.namespace,
                "labels": pod.labels,
            },
        }
        for pod in world.pods
    ]
    return [*spaces, *pods]


def at(manifest: Any, path: str) -> tuple[Any, Any]:
    """The holder of a field, and the field's name or index."""
    parts = path.replace("[", ".").replace("]", "").split(".")
    steps: list[Any] = [int(each) if each.isdigit() else each for each in parts]
    for step in steps[:-1]:
        manifest = manifest[step]
    return manifest, steps[-1]


def is_ambiguous(value: Any) -> bool:
    """`app` beside `any:app`: Cilium keeps either, by chance."""
    if isinstance(value, list):
        return any(map(is_ambiguous, value))
    if not isinstance(value, dict):
        return False
    labels = value.get("matchLabels") or {}
    keys = {key.removeprefix("any:") for key in labels}
    return len(keys) < len(labels) or any(map(is_ambiguous, value.values()))


def without(manifests: list[Json], index: int, rule: str, path: str) -> list[Json]:
    """The policies without what a finding says is of no account."""
    changed = copy.deepcopy(manifests)
    if rule == "NP301":
        if path.startswith("specs") and len(changed[index]["specs"]) > 1:
            holder, key = at(changed[index], path.rpartition(".")[0])
            del holder[key]
        else:
            del changed[index]
        return changed
    holder, key = at(changed[index], path)
    if rule == "NP114":
        holder[key] = {}
    elif changed[index]["kind"] == "NetworkPolicy":
        holder[key] = {"podSelector": NO_POD}
    else:
        holder[key] = NO_POD
    return changed


def test_taking_away_what_is_of_no_account_changes_no_verdict(engine: Engine) -> None:
    tried: Counter[str] = Counter()
    wrong: list[str] = []
    for number in range(WORLDS):
        generator = GeneratorAround(f"{SEED}/lint/{number}")
        world = World.make(engine, generator)
        if any(each.get("status") or is_ambiguous(each) for each in world.manifests):
            continue  # what is rejected is of no account whatever it says
        flows = world.flows(generator)
        before: list[Verdict] = engine.verdicts(flows)
        text = yaml.safe_dump_all([*surroundings(world), *world.manifests])
        names = {each["metadata"]["name"]: n for n, each in enumerate(world.manifests)}
        for found in findings(text, from_cluster=True, select=["NP114", "NP301", "NP302"]):
            assert found.manifest is not None
            index = names[found.manifest.name]
            world.give(engine, without(world.manifests, index, found.rule.id, found.path))
            tried[found.rule.id] += 1
            if engine.verdicts(flows) != before:
                wrong.append(
                    f"LINT_SEED={SEED} world {number}: {found.rule.id} {found.target}"
                    f" {found.path}: {found.message}\n{world.manifests[index]}"
                )
    engine.policies([])
    assert not wrong, f"{len(wrong)} of {sum(tried.values())}, such as\n{wrong[0]}"
    assert tried["NP301"] > WORLDS // 10
    assert tried["NP302"] > WORLDS // 4


@pytest.mark.parametrize(
    ("deny", "allow", "never"),
    [
        ({"fromEntities": ["all"]}, {"fromEndpoints": [{}]}, True),
        ({"fromEntities": ["world"]}, {"fromCIDR": ["203.0.113.7/32"]}, True),
        ({"fromEntities": ["world"]}, {"fromEndpoints": [{}]}, False),
        ({"fromCIDR": ["203.0.113.0/24"]}, {"fromCIDR": ["203.0.113.7/32"]}, True),
        ({"fromCIDR": ["203.0.113.7/32"]}, {"fromCIDR": ["203.0.113.0/24"]}, False),
        ({"fromEndpoints": [{}]}, {"fromEndpoints": [{}]}, True),
    ],
)
def test_an_allow_rule_is_said_never_to_hold_only_when_it_never_does(
    deny: Json, allow: Json, never: bool
) -> None:
    ports = {"toPorts": [{"ports": [{"port": "80", "protocol": "TCP"}]}]}
    spec = {"endpointSelector": {}, "ingress": [allow | ports], "ingressDeny": [deny]}
    metadata = {"name": "both", "namespace": "shop"}
    policy = {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": metadata}
    found = findings(yaml.safe_dump(policy | {"spec": spec}), select=["NP114"])
    assert bool(found) is never
    other = {"toPorts": [{"ports": [{"port": "443", "protocol": "TCP"}]}]}
    narrower = spec | {"ingressDeny": [deny | other]}
    assert findings(yaml.safe_dump(policy | {"spec": narrower}), select=["NP114"]) == []
