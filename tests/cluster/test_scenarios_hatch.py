"""The escape hatch: it opens at once, everybody sees that it is open, and it closes again."""

from __future__ import annotations

import pytest

from tests.cluster import words
from tests.cluster.deadlines import NET, OPEN, left_out
from tests.cluster.kube import Kube, eventually
from tests.cluster.spaces import (
    ENFORCEMENT,
    HATCH_POLICY,
    PROFILE,
    PROFILE_POLICY,
    Space,
    Spaces,
    uid_of,
    version_of,
)
from tests.cluster.watched import resync, shows, shows_none
from tests.running_operator import RunningOperator

pytestmark = pytest.mark.usefixtures("quick_identities", "operator")


def test_the_hatch_opens_and_closes_and_says_so(
    spaces: Spaces, database: Space, operator: RunningOperator
) -> None:
    app = spaces({PROFILE: "isolated"})
    profile = app.has_profile("isolated")
    app.label({ENFORCEMENT: "disabled"})
    hatch = app.has(HATCH_POLICY)
    assert words.allowed(hatch, "ingress") == {"entity all on any port"}
    assert words.allowed(hatch, "egress") == {"entity all on any port"}
    app.told("EnforcementDisabled", "remove the label")
    shows(operator, 1, "enforcement_disabled", namespace=app.name)
    eventually(
        lambda: app.name in words.consumers(database.policy("homelab-grant-postgres")),
        "a hatched namespace to count as granted",
    )
    app.label({ENFORCEMENT: None})
    app.holds_only(PROFILE_POLICY)
    app.told("EnforcementEnabled", "closed again")
    shows_none(operator, "enforcement_disabled", namespace=app.name)
    shows_none(operator, "enforcement_disabled_since_timestamp_seconds", namespace=app.name)
    database.lacks("homelab-grant-postgres")
    assert uid_of(app.policy()) == uid_of(profile), "the profile stood all the while"


def test_the_net_is_whole_again_once_cilium_has_caught_up(spaces: Spaces, kube: Kube) -> None:
    app = spaces(OPEN)
    app.has(HATCH_POLICY)
    net = version_of(kube.ccnp(NET))
    app.label({ENFORCEMENT: None})
    app.lacks(HATCH_POLICY)
    eventually(lambda: not left_out(kube, app), "the namespace to be forgotten")
    assert version_of(kube.ccnp(NET)) != net, "it was left out in between"


def test_the_label_says_enabled_as_well(spaces: Spaces, operator: RunningOperator) -> None:
    app = spaces({ENFORCEMENT: "disabled"})
    app.has(HATCH_POLICY)
    app.label({ENFORCEMENT: "enabled"})
    app.holds_only()
    shows_none(operator, "enforcement_disabled", namespace=app.name)


@pytest.mark.parametrize("value", ["disable", "DISABLED", "off", ""])
def test_a_value_that_is_neither_leaves_the_hatch_as_it_is(
    spaces: Spaces, operator: RunningOperator, value: str
) -> None:
    closed = spaces({ENFORCEMENT: value})
    closed.told("EnforcementValueInvalid", "stays closed")
    assert closed.policies() == {}
    opened = spaces({ENFORCEMENT: "disabled"})
    before = opened.has(HATCH_POLICY)
    opened.label({ENFORCEMENT: value})
    opened.told("EnforcementValueInvalid", "stays open")
    shows(operator, 1, "enforcement_disabled", namespace=opened.name)
    assert version_of(opened.policy(HATCH_POLICY)) == version_of(before)


def test_what_is_typed_at_night_is_answered_with_the_right_word(spaces: Spaces) -> None:
    spaces({ENFORCEMENT: "disable"}).told("EnforcementValueInvalid", "Did you mean 'disabled'?")
    spaces({f"{PROFILE}s": "standard"}).told("LabelUnknown", "no effect", "'profile'")


def test_the_hatch_works_in_a_platform_namespace(spaces: Spaces, operator: RunningOperator) -> None:
    garage = spaces.existing("garage")
    garage.label({ENFORCEMENT: "disabled"})
    try:
        garage.has(HATCH_POLICY)
        shows(operator, 1, "enforcement_disabled", namespace="garage")
    finally:
        garage.label({ENFORCEMENT: None})
    garage.lacks(HATCH_POLICY)
    shows_none(operator, "enforcement_disabled", namespace="garage")


def test_an_open_hatch_that_is_deleted_by_hand_comes_back(spaces: Spaces) -> None:
    app = spaces({ENFORCEMENT: "disabled"})
    first = uid_of(app.has(HATCH_POLICY))
    app.drop(HATCH_POLICY)
    eventually(lambda: uid_of(app.has(HATCH_POLICY)) != first, "the hatch to open again")


def test_a_platform_namespace_never_gets_a_profile(
    spaces: Spaces, operator: RunningOperator
) -> None:
    cache = spaces.existing("cache")
    cache.label({PROFILE: "isolated"})
    try:
        cache.told("ProfileRefused", "platform namespace", "Remove the label")
        shows(operator, 1, "refused_labels", namespace="cache", reason="ProfileRefused")
        resync(operator)
        assert PROFILE_POLICY not in cache.policies()
    finally:
        cache.label({PROFILE: None})
    shows_none(operator, "refused_labels", namespace="cache")


def test_the_clusterwide_hatch_opens_by_the_label_alone(kube: Kube) -> None:
    hatch = eventually(lambda: kube.ccnp("escape-hatch-allow-all"), "the clusterwide hatch")
    selected = hatch["spec"]["endpointSelector"]["matchLabels"]
    assert selected == {f"k8s:io.cilium.k8s.namespace.labels.{ENFORCEMENT}": "disabled"}
    assert words.allowed(hatch, "egress") == {"entity all on any port"}
