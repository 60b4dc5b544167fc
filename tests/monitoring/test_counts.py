"""What the operator counts when it is asked: right, and gone with what it is about."""

from __future__ import annotations

from tests.cluster.conftest import account, definitions, operator, spaces
from tests.cluster.definitions import Definitions
from tests.cluster.kube import eventually
from tests.cluster.spaces import PROFILE, PROFILE_POLICY, Spaces, access
from tests.cluster.watched import resync, series, shows, shows_none
from tests.running_operator import RunningOperator

__all__ = ["account", "definitions", "operator", "spaces"]


def test_grants_are_counted_by_resource_and_go_with_it(
    operator: RunningOperator, spaces: Spaces, definitions: Definitions
) -> None:
    ldap = definitions.resource(namespace="auth", ports=[{"port": 636}])
    shows(operator, 0, "grants", resource=ldap.name)
    first, _ = (spaces({access(ldap.name): "true"}) for _ in range(2))
    shows(operator, 2, "grants", resource=ldap.name)
    first.delete()
    shows(operator, 1, "grants", resource=ldap.name)
    ldap.delete()
    shows_none(operator, "grants", resource=ldap.name)


def test_what_fails_is_named_until_it_works(operator: RunningOperator, spaces: Spaces) -> None:
    app = spaces()
    app.write(PROFILE_POLICY)
    app.label({PROFILE: "internal"})
    named = {"scope": "namespace", "name": app.name}
    eventually(
        lambda: max(series(operator, "failures_in_a_row", **named), default=0) >= 3,
        "three failures in a row",
    )
    shows(operator, 1, "keys_failing")
    app.drop()
    shows_none(operator, "failures_in_a_row", **named)
    shows(operator, 0, "keys_failing")


def test_the_age_of_the_last_full_list_is_told(operator: RunningOperator) -> None:
    shows(operator, 1, "resync_interval_seconds")  # QUICK of tests/cluster/conftest.py
    (before,) = series(operator, "last_resync_timestamp_seconds")
    resync(operator)
    (after,) = series(operator, "last_resync_timestamp_seconds")
    assert after > before
