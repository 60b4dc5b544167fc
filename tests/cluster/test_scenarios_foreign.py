"""Policies of somebody else: never touched, never adopted, always told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.kube import Kube, ccnp_path, eventually
from tests.cluster.spaces import (
    ENFORCEMENT,
    HATCH_POLICY,
    MANAGED_BY,
    OPERATOR,
    PROFILE,
    PROFILE_POLICY,
    Space,
    Spaces,
    access,
    hand_made,
    version_of,
)
from tests.cluster.watched import resync, shows, shows_none
from tests.cluster.words import consumers
from tests.running_operator import RunningOperator

pytestmark = pytest.mark.usefixtures("operator")

ACCESS_POLICY = "homelab-access-postgres"


@pytest.fixture
def squatted(spaces: Spaces, operator: RunningOperator) -> Space:
    """A namespace whose profile cannot be written: somebody else's policy has its name."""
    app = spaces()
    app.write(PROFILE_POLICY)
    app.label({PROFILE: "internal"})
    app.told("NameTaken", PROFILE_POLICY, "left alone", "Rename or delete it")
    shows(operator, 1, "conflicts", namespace=app.name, name=PROFILE_POLICY)
    return app


def test_a_foreign_policy_of_our_name_is_untouched_and_told(
    squatted: Space, operator: RunningOperator
) -> None:
    before = squatted.policy()
    squatted.label({PROFILE: "standard"})
    resync(operator)
    assert squatted.policy() == before, "byte for byte"


def test_the_name_is_taken_over_once_the_foreign_policy_is_gone(
    squatted: Space, operator: RunningOperator
) -> None:
    squatted.drop()
    squatted.has_profile("internal")
    shows_none(operator, "conflicts", namespace=squatted.name)


def test_a_conflict_is_over_once_the_label_is_gone(
    squatted: Space, operator: RunningOperator
) -> None:
    before = version_of(squatted.policy())
    squatted.label({PROFILE: None})
    shows_none(operator, "conflicts", namespace=squatted.name)
    assert version_of(squatted.policy()) == before


def test_a_conflict_does_not_keep_the_hatch_open(
    squatted: Space, operator: RunningOperator
) -> None:
    squatted.label({ENFORCEMENT: "disabled"})
    squatted.has(HATCH_POLICY)
    squatted.label({ENFORCEMENT: None})
    squatted.lacks(HATCH_POLICY)
    shows_none(operator, "enforcement_disabled", namespace=squatted.name)
    shows(operator, 1, "conflicts", namespace=squatted.name, name=PROFILE_POLICY)


def test_a_conflict_does_not_keep_the_hatch_from_opening_and_being_seen(
    squatted: Space, operator: RunningOperator
) -> None:
    squatted.label({ENFORCEMENT: "disabled"})
    squatted.has(HATCH_POLICY)
    shows(operator, 1, "enforcement_disabled", namespace=squatted.name)
    squatted.told("EnforcementDisabled")


def test_a_conflict_does_not_keep_a_revoked_grant(squatted: Space) -> None:
    squatted.label({access("postgres"): "true"})
    squatted.has(ACCESS_POLICY)
    squatted.label({access("postgres"): None})
    squatted.lacks(ACCESS_POLICY)


def test_a_foreign_policy_on_the_resources_side_is_untouched_and_told(
    spaces: Spaces, operator: RunningOperator
) -> None:
    cache = spaces.existing("cache")
    cache.lacks("homelab-grant-dragonfly")
    before = cache.write("homelab-grant-dragonfly")
    try:
        app = spaces({access("dragonfly"): "true"})
        app.has("homelab-access-dragonfly")
        cache.told("NameTaken", "homelab-grant-dragonfly")
        shows(operator, 1, "conflicts", namespace="cache", name="homelab-grant-dragonfly")
        resync(operator)
        assert cache.policy("homelab-grant-dragonfly") == before
    finally:
        cache.drop("homelab-grant-dragonfly")
    eventually(
        lambda: consumers(cache.policy("homelab-grant-dragonfly")) == [app.name],
        "the operator to write its own there",
    )
    shows_none(operator, "conflicts", namespace="cache")


def test_a_policy_of_an_unrelated_name_is_untouched(
    spaces: Spaces, operator: RunningOperator
) -> None:
    app = spaces({PROFILE: "internal"})
    before = app.write("allow-my-friends")
    app.has_profile("internal")
    app.label({PROFILE: None})
    app.holds_only("allow-my-friends")
    assert app.policy("allow-my-friends") == before


def test_a_copy_of_our_policy_under_another_name_is_left_alone_and_told(
    spaces: Spaces, operator: RunningOperator
) -> None:
    app = spaces({PROFILE: "internal"})
    ours = app.has_profile("internal")
    before = app.write("my-copy", labels=ours["metadata"]["labels"])
    app.told("UnexpectedPolicy", "my-copy", "left alone")
    app.label({PROFILE: None})
    app.holds_only("my-copy")
    assert app.policy("my-copy") == before


@pytest.fixture
def foreign_clusterwide(kube: Kube) -> Iterator[str]:
    """The name of a clusterwide policy of somebody else."""
    name = "baseline-of-somebody-else"
    kube.create(ccnp_path(), hand_made(name, kind="CiliumClusterwideNetworkPolicy"))
    yield name
    kube.delete(ccnp_path(name))


def test_a_foreign_clusterwide_policy_is_untouched(
    kube: Kube, foreign_clusterwide: str, operator: RunningOperator
) -> None:
    before = kube.ccnp(foreign_clusterwide)
    resync(operator)
    assert kube.ccnp(foreign_clusterwide) == before


def test_a_foreign_baseline_of_our_name_is_untouched_and_told_and_taken_over_once_gone(
    kube: Kube, spaces: Spaces, operator: RunningOperator
) -> None:
    name = "baseline-prometheus-scrape"
    ours = eventually(lambda: kube.ccnp(name), name)
    theirs = hand_made(name, kind="CiliumClusterwideNetworkPolicy")

    def squat() -> bool:
        """The operator is quick to put its own back: it takes a few goes to be quicker."""
        kube.delete(ccnp_path(name))
        status, _ = kube.call("POST", ccnp_path(), theirs)
        return status == 201

    eventually(squat, "the name to be taken")
    try:
        before = kube.ccnp(name)
        shows(operator, 1, "conflicts", kind="CiliumClusterwideNetworkPolicy", name=name)
        spaces.existing("default").told("NameTaken", name)
        resync(operator)
        assert kube.ccnp(name) == before
    finally:
        kube.delete(ccnp_path(name))
    again = eventually(lambda: kube.ccnp(name), f"{name} to come back")
    assert again["specs"] == ours["specs"]
    assert again["metadata"]["labels"][MANAGED_BY] == OPERATOR
    shows_none(operator, "conflicts", name=name)
