"""Over what the operator itself renders, and over what this repository ships, lint is silent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from homelab_netpol.lint import Given, lint
from homelab_netpol.manifests import Manifest, ManifestSet, Source, gather
from homelab_netpol.policy.objects import as_object
from tests.dice import seeded
from tests.lint.linted import NOON, findings
from tests.worlds.random_worlds import random_world
from tests.worlds.rendered import catalogue_of, policies_of

ROOT = Path(__file__).resolve().parents[2]
WORLDS = 40


def manifests_of(objects: list[dict[str, Any]]) -> ManifestSet:
    """Objects as they would be given, each in a file of its own."""
    found = ManifestSet()
    found.add(Manifest(each, Source("cluster")) for each in objects)
    return found


@pytest.mark.parametrize("seed", range(WORLDS))
def test_policies_of_the_operator_are_silent_in_whatever_world(seed: int) -> None:
    world = random_world(seeded(f"lint/{seed}"))
    spaces = [
        {"apiVersion": "v1", "kind": "Namespace", **each.manifest()}
        for each in world.spaces.values()
    ]
    pods = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": each.name.replace("/", "-"),
                "namespace": each.namespace,
                "labels": dict(each.labels),
            },
            "spec": {"containers": [{"name": "main", "ports": [{"containerPort": 8080}]}]},
        }
        for each in world.pods
    ]
    written = [as_object(each) for each in policies_of(world)]
    assert any(each["kind"].startswith("Cilium") for each in written)
    given = Given(
        manifests_of([*spaces, *pods, *written]), catalogue_of(world), NOON, from_cluster=True
    )
    about = [
        each
        for each in lint(given, {})
        if each.manifest is not None and each.manifest.kind not in ("Namespace", "NetworkProfile")
    ]
    assert about == [], [(each.rule.id, each.target, each.path, each.message) for each in about]


def test_what_this_repository_ships_is_silent() -> None:
    texts: dict[str, str] = {}
    manifests = gather(
        [str(ROOT / "manifests"), str(ROOT / "crds")], texts=texts, keep_variants=True
    )
    joined = "\n---\n".join(texts.values())
    assert manifests.of("CiliumClusterwideNetworkPolicy")
    assert manifests.of("CiliumNetworkPolicy")
    assert findings(joined) == []


def test_a_rendered_policy_with_damage_is_not_silent() -> None:
    world = random_world(seeded("lint/0"))
    policy = next(
        each
        for each in map(as_object, policies_of(world))
        if each["kind"] == "CiliumNetworkPolicy" and each.get("spec", {}).get("ingress")
    )
    policy["spec"]["ingress"].append({"fromEndpoint": [{}]})
    assert {each.rule.id for each in findings(yaml.safe_dump(policy))} == {"NP102"}
