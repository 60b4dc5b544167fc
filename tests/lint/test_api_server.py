"""What NP201 finds in a NetworkPolicy, the API server refuses, asked to be strict; and no less.

Random policies, as they are and with something damaged; nothing is written. For a longer run:
LINT_POLICIES=5000.
"""

from __future__ import annotations

import os
from typing import Any

import yaml

from lab.control_plane import Cluster
from tests.dice import seeded
from tests.lint.linted import findings
from tests.truth.random_damage import damaged
from tests.truth.random_policies import Generator, Json

COUNT = int(os.environ.get("LINT_POLICIES", "250"))
_PATH = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies"
_STRICT = f"{_PATH}?dryRun=All&fieldValidation=Strict"


def random_policies() -> list[Json]:
    """NetworkPolicies, of which most have something damaged in their spec."""
    dice = seeded("np201")
    found: list[Json] = []
    number = 0
    while len(found) < COUNT:
        number += 1
        for policy in Generator(f"np201/{number}").policies():
            if policy["kind"] != "NetworkPolicy":
                continue
            spec: Any = policy["spec"]
            for _ in range(dice.choice((0, 1, 1, 2))):
                spec = damaged(spec, dice) if spec else spec
            found.append(
                {
                    "apiVersion": "networking.k8s.io/v1",
                    "kind": "NetworkPolicy",
                    "metadata": {"name": "checked", "namespace": "default"},
                    "spec": spec,
                }
            )
    return found[:COUNT]


def test_what_is_called_refused_the_api_server_refuses_and_nothing_else(cluster: Cluster) -> None:
    wrong: list[str] = []
    refused = 0
    for policy in random_policies():
        answer = cluster.api.request("POST", _STRICT, policy)
        assert answer.status in (201, 400, 422), answer.text
        is_refused = answer.status != 201
        refused += is_refused
        found = findings(yaml.safe_dump(policy), select=["NP201"])
        # A null is taken, and is reported for what it is read as.
        ours = any("is null" not in each.message for each in found)
        if ours is not is_refused:
            wrong.append(
                f"{'we' if ours else 'they'} refuse {policy['spec']}\n  {answer.text[:400]}"
            )
    assert not wrong, f"{len(wrong)} of {COUNT}, such as\n" + "\n".join(wrong[:5])
    assert COUNT // 4 < refused < COUNT
