"""Platform Namespaces by name, by pattern and by label; and Namespaces that become one, or stop."""

from __future__ import annotations

import pytest

from tests.cluster.kube import Kube, eventually
from tests.cluster.spaces import PLATFORM, PROFILE, Space, Spaces
from tests.cluster.watched import resync, shows, shows_none
from tests.running_operator import RunningOperator

pytestmark = pytest.mark.usefixtures("operator")

SETTINGS = {"defaultDeny": "workload"}
BASELINES = ("baseline-dns-egress", "baseline-health-probes", "baseline-prometheus-scrape")
BY_NAME = "io.kubernetes.pod.namespace"


def spared(kube: Kube, space: Space) -> bool:
    """All baselines leave a Namespace out of default deny, by its name."""
    lists = [
        each["values"]
        for name in BASELINES
        for rules in (kube.ccnp(name) or {}).get("specs") or ()
        for each in rules["endpointSelector"]["matchExpressions"]
        if each["operator"] == "NotIn" and BY_NAME in each["key"]
    ]
    return len(lists) == len(BASELINES) and all(space.name in names for names in lists)


def test_a_name_that_a_pattern_matches_is_spared_from_the_moment_it_is_there(
    spaces: Spaces, kube: Kube
) -> None:
    made = spaces({PROFILE: "internal"}, name=f"{spaces.fresh_name()}-system")
    made.told("ProfileRefused", "the pattern '*-system'", "platformNamespaces", "in place of")
    eventually(lambda: spared(kube, made), f"{made.name} to be spared")
    made.delete(wait=True)
    eventually(lambda: not spared(kube, made), f"{made.name} to be forgotten")


def test_the_label_makes_one_and_its_profile_goes_and_comes_back(
    spaces: Spaces, kube: Kube, operator: RunningOperator
) -> None:
    app = spaces({PROFILE: "internal"})
    app.has_profile("internal")
    assert not spared(kube, app)
    app.label({PLATFORM: "true"})
    app.lacks()
    assert spared(kube, app), "the baselines first"
    app.told("ProfileRefused", f"its label {PLATFORM} says so", f"remove that label, {PLATFORM}")
    shows(operator, 1, "refused_labels", namespace=app.name, reason="ProfileRefused")
    app.label({PLATFORM: "false"})
    app.has_profile("internal")
    eventually(lambda: not spared(kube, app), f"{app.name} to be governed again")
    shows_none(operator, "refused_labels", namespace=app.name)


def test_a_named_one_is_told_which_setting_names_it(spaces: Spaces) -> None:
    database = spaces.existing("database")
    database.label({PROFILE: "internal"})
    database.told("ProfileRefused", "the setting platformNamespaces names it", "out of that")
    database.label({PROFILE: None})


@pytest.mark.parametrize("was_platform", [True, False])
def test_a_value_that_nobody_understands_changes_nothing_whatever_restarts(
    spaces: Spaces, kube: Kube, operator: RunningOperator, was_platform: bool
) -> None:
    app = spaces({PROFILE: "internal", **({PLATFORM: "true"} if was_platform else {})})
    if was_platform:
        app.told("ProfileRefused", "its label")
        eventually(lambda: spared(kube, app), f"{app.name} to be spared")
    else:
        app.has_profile("internal")
    app.label({PLATFORM: "treu"})
    stays = "stays a platform namespace" if was_platform else "is no platform namespace"
    app.told("PlatformValueInvalid", '"true" (or "false"), not \'treu\'', stays)
    shows(operator, 1, "refused_labels", namespace=app.name, reason="PlatformValueInvalid")
    resync(operator)
    assert spared(kube, app) is was_platform
    assert (app.policy() is None) is was_platform
