"""Grants with a value: of all pods of a shared resource, those whose label has that value."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.conftest import QUICK
from tests.cluster.definitions import Defined, Definitions
from tests.cluster.kube import Kube, Manifest, eventually
from tests.cluster.restarts import kill_at_rest, writes_nothing
from tests.cluster.spaces import ENFORCEMENT, Space, Spaces, access
from tests.cluster.watched import shows, shows_none
from tests.cluster.workloads import Workloads
from tests.running_operator import RunningOperator, running_operator

Start = Callable[[], AbstractContextManager[RunningOperator]]
KEY = "cnpg.io/cluster"
INSTANCE = {"cnpg.io/podRole": "instance"}


@pytest.fixture(scope="module")
def start(account: Path) -> Start:
    """Starts an operator for the length of a `with` block."""
    return lambda: running_operator(account, {**QUICK, "inspectionSeconds": 1})


@pytest.fixture
def home(spaces: Spaces) -> Space:
    """The Namespace of the databases."""
    return spaces()


@pytest.fixture
def postgres(definitions: Definitions, home: Space) -> Defined:
    """One shared resource for all databases of an operator, each with a value of its own."""
    return definitions.resource(
        namespace=home.name,
        podLabels=INSTANCE,
        valueLabel=KEY,
        target="exclusive",
        ports=[{"port": 5432}],
    )


def target_side(policy: Manifest | None) -> dict[str, list[str]]:
    """Whom the resource's side lets in, by the value of the pods that it selects; "" is all."""
    found: dict[str, list[str]] = {}
    for spec in (policy or {}).get("specs") or [(policy or {}).get("spec") or {}]:
        labels = (spec.get("endpointSelector") or {}).get("matchLabels") or {}
        for rule in spec.get("ingress") or ():
            for peer in rule.get("fromEndpoints") or ():
                [names] = peer["matchExpressions"]
                found[labels.get(f"k8s:{KEY}", "")] = names["values"]
    return found


def consumer_side(policy: Manifest) -> str:
    """The value of the pods that the consumer's side lets out to."""
    [rule] = policy["spec"]["egress"]
    [peer] = rule["toEndpoints"]
    return str(peer["matchLabels"].get(f"k8s:{KEY}", ""))


class Both:
    """Both sides of the grants on one resource."""

    def __init__(self, home: Space, postgres: Defined) -> None:
        self._home = home
        self._name = postgres.name

    def are(self, app: Space, value: str | None, **others: list[str]) -> None:
        """Waits until an app has a grant on these pods, and others on theirs; None: no grant."""
        policy = f"homelab-access-{self._name}"
        wanted = dict(others)
        if value is not None:
            wanted[value] = sorted([app.name, *wanted.get(value, ())])

        def look() -> bool:
            own = app.policy(policy)
            theirs = self._home.policy(f"homelab-grant-{self._name}")
            side = None if own is None else consumer_side(own)
            return (side, target_side(theirs)) == (value, wanted)

        eventually(look, f"{app.name} to be let in by the value {value}, and others: {others}")


def test_a_change_of_the_value_moves_both_sides(
    start: Start, spaces: Spaces, home: Space, postgres: Defined
) -> None:
    both = Both(home, postgres)
    key = access(postgres.name)
    with start():
        other = spaces({key: "radarr"})
        app = spaces({key: "sonarr"})
        both.are(app, "sonarr", radarr=[other.name])
        app.told("AccessGranted", postgres.name, "'sonarr'")
        app.label({key: "radarr"})
        both.are(app, "radarr", radarr=[other.name])
        app.told("AccessGranted", postgres.name, "'radarr'")
        app.label({key: "true"})
        both.are(app, "", radarr=[other.name])
        app.label({key: "Sonarr_2.x", ENFORCEMENT: "disabled"})
        grant = f"homelab-grant-{postgres.name}"
        eventually(
            lambda: target_side(home.policy(grant)) == {"": [app.name], "radarr": [other.name]},
            "a hatched namespace to count as granted all",
        )
        app.label({ENFORCEMENT: None})
        both.are(app, "Sonarr_2.x", radarr=[other.name])
        app.label({key: None})
        both.are(app, None, radarr=[other.name])
        other.label({key: "false"})
        both.are(app, None)
        specs: Any = home.has(grant)["spec"]
        assert specs["enableDefaultDeny"] == {"ingress": True, "egress": False}, "exclusive"


def test_a_value_that_cannot_be_understood_keeps_the_last_good_one_over_a_restart(
    start: Start, spaces: Spaces, home: Space, postgres: Defined, kube: Kube
) -> None:
    both, key = Both(home, postgres), access(postgres.name)
    with start() as operator:
        postgres.change(allowAll=False)
        postgres.condition("Ready", "True", "Accepted")
        app = spaces({key: "sonarr"})
        both.are(app, "sonarr")
        app.label({key: "true"})
        app.told("AccessValueInvalid", "'true'", "by the value 'sonarr' is kept")
        shows(operator, 1, "refused_labels", namespace=app.name, reason="AccessValueInvalid")
        both.are(app, "sonarr")
        before_restart = kill_at_rest(operator, kube)
    with start() as operator:
        writes_nothing(operator, kube, before_restart)
        both.are(app, "sonarr")
        postgres.change(allowAll=True)
        both.are(app, "")


def test_a_value_that_the_resource_takes_no_longer_is_withdrawn(
    start: Start, spaces: Spaces, home: Space, postgres: Defined
) -> None:
    both, key = Both(home, postgres), access(postgres.name)
    with start():
        app = spaces({key: "sonarr"})
        both.are(app, "sonarr")
        postgres.change(valueLabel=None)
        both.are(app, None)
        app.told("AccessValueInvalid", "'sonarr'", "no access is granted")
        app.label({key: "true"})
        both.are(app, "")


def test_a_value_that_no_pod_has_is_told_until_one_has(
    start: Start, spaces: Spaces, home: Space, postgres: Defined, workloads: Workloads
) -> None:
    key = access(postgres.name)
    workloads.pod(home.name, {**INSTANCE, KEY: "radarr"})
    with start() as operator:
        app, other = spaces({key: "sonarr"}), spaces({key: "radarr"})
        app.told("TargetHasNoPods", "'sonarr'", f"{KEY}=sonarr", home.name)
        shows(operator, 1, "findings", namespace=app.name, reason="TargetHasNoPods")
        shows_none(operator, "findings", namespace=other.name)
        workloads.pod(home.name, {**INSTANCE, KEY: "sonarr"})
        shows_none(operator, "findings", namespace=app.name)
