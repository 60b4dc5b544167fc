"""Grants on shared resources: both sides come and go together."""

from __future__ import annotations

import pytest

from tests.cluster import words
from tests.cluster.kube import eventually
from tests.cluster.spaces import ENFORCEMENT, PROFILE, PROFILE_POLICY, Space, Spaces, access
from tests.cluster.watched import mentions, resync, shows, shows_none
from tests.running_operator import RunningOperator

pytestmark = pytest.mark.usefixtures("operator")

# The mission's table of shared resources: namespace and port.
RESOURCES = {
    "postgres": ("database", 5432),
    "dragonfly": ("cache", 6379),
    "garage-s3": ("garage", 3900),
}
GRANT = "homelab-grant-postgres"
ACCESS = "homelab-access-postgres"


def lets_in(target: Space, *names: str, policy: str = GRANT) -> None:
    """Waits until the resource's side lets in exactly these namespaces; none: is not there."""
    eventually(
        lambda: words.consumers(target.policy(policy)) == sorted(names),
        f"{policy} to let in {names}",
    )


@pytest.mark.parametrize("resource", RESOURCES)
def test_a_grant_has_two_sides_and_both_go_with_the_label(spaces: Spaces, resource: str) -> None:
    namespace, port = RESOURCES[resource]
    target = spaces.existing(namespace)
    own, theirs = f"homelab-access-{resource}", f"homelab-grant-{resource}"
    app = spaces({access(resource): "true"})
    policy = app.has(own)
    assert words.allowed(policy, "egress") == {f"pods of {namespace} on TCP/{port}"}
    assert not policy["spec"].get("ingress")
    app.holds_only(own)
    lets_in(target, app.name, policy=theirs)
    ports = [p for rule in target.has(theirs)["spec"]["ingress"] for p in rule["toPorts"]]
    assert ports == [{"ports": [{"port": str(port), "protocol": "TCP"}]}]
    additive = {"ingress": False, "egress": False}
    assert target.has(theirs)["spec"]["enableDefaultDeny"] == additive, (
        "the database is not cut off"
    )
    app.told("AccessGranted", resource)
    app.label({access(resource): None})
    app.holds_only()
    target.lacks(theirs)
    app.told("AccessRevoked", resource)


def test_a_grant_on_the_kubernetes_api_has_one_side(spaces: Spaces) -> None:
    app = spaces({access("kube-api"): "true"})
    policy = app.has("homelab-access-kube-api")
    assert words.allowed(policy, "egress") == {"entity kube-apiserver on TCP/6443 TCP/443"}
    app.label({access("kube-api"): None})
    app.holds_only()


def test_the_resources_side_lists_all_consumers_until_the_last_has_gone(
    spaces: Spaces, database: Space
) -> None:
    one, two = (spaces({access("postgres"): "true"}) for _ in range(2))
    lets_in(database, one.name, two.name)
    one.label({access("postgres"): None})
    lets_in(database, two.name)
    two.label({access("postgres"): None})
    database.lacks(GRANT)


def test_two_grants_in_one_namespace_stand_beside_the_profile(spaces: Spaces) -> None:
    app = spaces({PROFILE: "isolated", access("postgres"): "true", access("garage-s3"): "true"})
    app.holds_only(PROFILE_POLICY, ACCESS, "homelab-access-garage-s3")
    app.label({access("garage-s3"): None})
    app.holds_only(PROFILE_POLICY, ACCESS)


def test_a_deleted_namespace_leaves_nothing_behind_and_nothing_for_its_successor(
    spaces: Spaces, database: Space, operator: RunningOperator
) -> None:
    labels = {PROFILE: "zzz", access("postgres"): "true", access("mysql"): "true"}
    app = spaces({**labels, ENFORCEMENT: "disabled"})
    lets_in(database, app.name)
    shows(operator, 1, "enforcement_disabled", namespace=app.name)
    shows(operator, 1, "refused_labels", namespace=app.name, reason="ProfileUnknown")
    app.delete(wait=True)
    database.lacks(GRANT)
    eventually(lambda: not mentions(operator, app.name), "its series to go")
    again = spaces({PROFILE: "isolated"}, name=app.name)
    again.has_profile("isolated")
    again.holds_only(PROFILE_POLICY)
    again.told("ProfileApplied", "isolated")
    assert again.events("DriftReverted") == []
    assert database.policy(GRANT) is None


def test_a_grant_works_in_a_platform_namespace(spaces: Spaces, database: Space) -> None:
    monitoring = spaces.existing("monitoring")
    monitoring.label({access("postgres"): "true"})
    try:
        monitoring.has(ACCESS)
        lets_in(database, "monitoring")
    finally:
        monitoring.label({access("postgres"): None})
    monitoring.lacks(ACCESS)
    database.lacks(GRANT)


@pytest.mark.parametrize("value", ["yes", "TRUE", "1", ""])
def test_a_value_other_than_true_grants_nothing_and_is_told(
    spaces: Spaces, database: Space, operator: RunningOperator, value: str
) -> None:
    app = spaces({access("postgres"): value})
    app.told("AccessValueInvalid", 'must be "true"', repr(value), "no access is granted")
    shows(operator, 1, "refused_labels", namespace=app.name, key=access("postgres"))
    assert app.policies() == {}
    assert app.name not in words.consumers(database.policy(GRANT))


def test_a_value_other_than_true_keeps_the_grant_that_stands(
    spaces: Spaces, database: Space
) -> None:
    app = spaces({access("postgres"): "true"})
    lets_in(database, app.name)
    app.label({access("postgres"): "ture"})
    app.told("AccessValueInvalid", "'ture'", "is kept")
    app.has(ACCESS)
    lets_in(database, app.name)
    app.label({access("postgres"): "false"})
    app.holds_only()
    database.lacks(GRANT)


def test_an_unknown_resource_is_told_with_the_nearest_name(
    spaces: Spaces, operator: RunningOperator
) -> None:
    app = spaces({access("postgers"): "true", access("s3"): "true"})
    app.told("AccessUnknown", "'postgers'", "Did you mean 'postgres'?")
    app.told("AccessUnknown", "'s3'", "Known: dragonfly, garage-s3, gateway, kube-api, postgres.")
    shows(operator, 1, "refused_labels", namespace=app.name, key=access("s3"))
    assert app.policies() == {}
    app.label({access("postgers"): None, access("s3"): None})
    shows_none(operator, "refused_labels", namespace=app.name)


def test_many_grants_at_once_are_written_in_few_goes(
    spaces: Spaces, database: Space, operator: RunningOperator
) -> None:
    first = spaces({access("postgres"): "true"})
    lets_in(database, first.name)
    before = database.has(GRANT)["metadata"]["generation"]
    apps = [spaces() for _ in range(50)]
    resync(operator)
    for app in apps:
        app.label({access("postgres"): "true"})
    lets_in(database, first.name, *(app.name for app in apps))
    assert database.has(GRANT)["metadata"]["generation"] - before < 25
