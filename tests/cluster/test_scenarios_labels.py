"""What a label on a Namespace brings, changes and takes away."""

from __future__ import annotations

import pytest

from tests.cluster import words
from tests.cluster.spaces import (
    GATEWAY_PORTS,
    INTRA_NAMESPACE,
    MANAGED_BY,
    OPERATOR,
    PROFILE,
    PROFILE_POLICY,
    Spaces,
    uid_of,
    version_of,
)
from tests.cluster.watched import resync, shows, shows_none
from tests.running_operator import RunningOperator

pytestmark = pytest.mark.usefixtures("operator")

# The mission's table of profiles, probes and DNS aside, which every profile has.
PROFILES = {
    "isolated": (set(), set()),
    "internal": (
        {words.INTERNAL_GATEWAY, words.OWN_NAMESPACE},
        {words.OWN_NAMESPACE},
    ),
    "internal-egress": (
        {words.INTERNAL_GATEWAY, words.OWN_NAMESPACE},
        {words.HTTPS, words.OWN_NAMESPACE},
    ),
    "standard": (
        {words.INTERNAL_GATEWAY, words.EXTERNAL_GATEWAY, words.OWN_NAMESPACE},
        {words.HTTPS, words.OWN_NAMESPACE},
    ),
}


@pytest.mark.parametrize("profile", PROFILES)
def test_a_label_brings_the_profile_of_the_missions_table(spaces: Spaces, profile: str) -> None:
    app = spaces({PROFILE: profile})
    policy = app.has_profile(profile)
    ingress, egress = PROFILES[profile]
    assert words.allowed(policy, "ingress") == ingress | words.PROBES
    assert words.allowed(policy, "egress") == egress | {words.DNS}
    assert policy["spec"]["endpointSelector"] == {}, "every pod of the namespace"
    assert policy["metadata"]["labels"][MANAGED_BY] == OPERATOR
    app.holds_only(PROFILE_POLICY)
    app.told("ProfileApplied", f"profile {profile} ")


def test_a_namespace_without_labels_gets_no_policy(
    spaces: Spaces, operator: RunningOperator
) -> None:
    app = spaces()
    resync(operator)
    assert app.policies() == {}


def test_relabelling_is_one_atomic_update(spaces: Spaces) -> None:
    app = spaces({PROFILE: "internal"})
    before = app.has_profile("internal")
    app.label({PROFILE: "standard"})
    after = app.has_profile("standard")
    assert uid_of(after) == uid_of(before), "the policy was changed, never absent"
    assert after["metadata"]["generation"] == before["metadata"]["generation"] + 1
    app.told("ProfileApplied", "standard")


def test_taking_the_label_off_takes_the_policy_away(spaces: Spaces) -> None:
    app = spaces({PROFILE: "internal"})
    app.has_profile("internal")
    app.label({PROFILE: None})
    app.holds_only()
    app.told("ProfileRemoved", "internal", "no longer in force")


@pytest.mark.parametrize(("profile", "value"), [("internal", "deny"), ("isolated", "allow")])
def test_the_intra_namespace_label_overrides_the_profile(
    spaces: Spaces, profile: str, value: str
) -> None:
    app = spaces({PROFILE: profile, INTRA_NAMESPACE: value})
    policy = app.has_profile(profile)
    for direction in ("ingress", "egress"):
        within = words.OWN_NAMESPACE in words.allowed(policy, direction)
        assert within == (value == "allow")


def test_a_mistyped_intra_namespace_value_keeps_what_stands(
    spaces: Spaces, operator: RunningOperator
) -> None:
    app = spaces({PROFILE: "internal", INTRA_NAMESPACE: "deny"})
    before = app.has_profile("internal")
    app.label({INTRA_NAMESPACE: "Deny"})
    app.told("IntraNamespaceInvalid", "'Deny'", "stays denied")
    shows(operator, 1, "refused_labels", namespace=app.name, reason="IntraNamespaceInvalid")
    assert version_of(app.policy()) == version_of(before)


def test_intra_namespace_without_a_profile_is_told_to_do_nothing(spaces: Spaces) -> None:
    app = spaces({INTRA_NAMESPACE: "allow"})
    app.told("IntraNamespaceRefused", PROFILE)
    assert app.policies() == {}


def test_gateway_ports_narrow_what_gateways_may_reach(spaces: Spaces) -> None:
    app = spaces({PROFILE: "standard"}, gateway_ports="9090, 8080")
    policy = app.has_profile("standard")
    ingress = words.allowed(policy, "ingress")
    for which in ("internal", "external"):
        assert words.gateway(which, 8080, 9090) in ingress
    app.annotate({GATEWAY_PORTS: None})
    app.allows("ingress", words.EXTERNAL_GATEWAY)


def test_a_mistyped_profile_keeps_the_last_good_one(
    spaces: Spaces, operator: RunningOperator
) -> None:
    app = spaces({PROFILE: "standard"})
    before = app.has_profile("standard")
    app.label({PROFILE: "standart"})
    app.told("ProfileUnknown", "'standart'", "'standard' stays in force", "Did you mean 'standard'")
    shows(operator, 1, "refused_labels", namespace=app.name, reason="ProfileUnknown", key=PROFILE)
    resync(operator)
    assert version_of(app.policy()) == version_of(before)
    app.label({PROFILE: "standard"})
    shows_none(operator, "refused_labels", namespace=app.name)
    assert version_of(app.policy()) == version_of(before)


def test_a_profile_kept_for_a_mistyped_label_is_kept_from_hands_as_well(spaces: Spaces) -> None:
    app = spaces({PROFILE: "internal"})
    good = app.has_profile("internal")
    app.label({PROFILE: "intrenal"})
    app.told("ProfileUnknown", "Did you mean 'internal'")
    app.change({"spec": {"ingress": [{"fromEntities": ["all"]}]}})
    app.has_spec(good["spec"])
    app.drop()
    assert app.has_profile("internal")["spec"] == good["spec"]


def test_a_profile_mistyped_from_the_start_is_none_and_told(
    spaces: Spaces, operator: RunningOperator
) -> None:
    app = spaces({PROFILE: "zzz"})
    app.told("ProfileUnknown", "no profile is in force", "Known: internal, internal-egress")
    resync(operator)
    assert app.policies() == {}
