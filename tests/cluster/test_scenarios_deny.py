"""Deny rules beat the hatch and grants: they are named when that matters."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster.kube import Kube, cnp_path, eventually
from tests.cluster.spaces import ENFORCEMENT, PROFILE, Space, Spaces, access
from tests.cluster.watched import shows, shows_none
from tests.running_operator import RunningOperator

pytestmark = pytest.mark.usefixtures("operator")

# Long enough that only what wakes the inspector can make it look again while a test lasts.
SETTINGS = {"inspectionSeconds": 3600}


def deny(kube: Kube, space: Space, **spec: Any) -> None:
    """A policy of somebody else's that denies, and switches no default deny on."""
    additive = {"enableDefaultDeny": {"ingress": False, "egress": False}}
    kube.create(
        cnp_path(space.name),
        {
            "apiVersion": "cilium.io/v2",
            "kind": "CiliumNetworkPolicy",
            "metadata": {"name": "block"},
            "spec": {"endpointSelector": {}, **additive, **spec},
        },
    )


def look_again(spaces: Spaces) -> None:
    """Has the inspector look: a hatch is opened somewhere."""
    spaces({ENFORCEMENT: "disabled"}).told("EnforcementDisabled")


def test_a_deny_rule_that_nobody_knew_of_is_told_soon_after_a_hatch_is_opened(
    spaces: Spaces, operator: RunningOperator, kube: Kube
) -> None:
    app = spaces({PROFILE: "isolated"})
    app.has_profile("isolated")
    deny(kube, app, egressDeny=[{"toCIDR": ["10.0.0.0/8"]}])
    app.label({ENFORCEMENT: "disabled"})
    app.told("HatchDenied", "CiliumNetworkPolicy block", "egress to addresses 10.0.0.0/8")
    shows(operator, 1, "findings", namespace=app.name, reason="HatchDenied")
    app.drop("block")
    look_again(spaces)
    shows_none(operator, "findings", namespace=app.name)


def test_a_deny_rule_that_is_known_is_named_on_the_event_of_the_hatch(
    spaces: Spaces, operator: RunningOperator, kube: Kube
) -> None:
    app, other = spaces({PROFILE: "isolated"}), spaces({PROFILE: "isolated"})
    deny(kube, app, ingressDeny=[{"fromEntities": ["world"]}])
    # Known, once the finding of another namespace that was written after it is there.
    deny(kube, other, ingressDeny=[{"fromEntities": ["world"]}])
    other.label({ENFORCEMENT: "disabled"})
    other.told("HatchDenied", "block")
    app.label({ENFORCEMENT: "disabled"})
    app.told(
        "EnforcementDisabled",
        "Deny rules win over it",
        "CiliumNetworkPolicy block denies ingress from the internet (world)",
        "remove the label",
    )


def test_who_holds_a_grant_is_told_of_a_deny_rule_on_his_own_side(
    spaces: Spaces, operator: RunningOperator, kube: Kube
) -> None:
    app = spaces({access("postgres"): "true"})
    app.has("homelab-access-postgres")
    database = {"matchLabels": {"k8s:io.kubernetes.pod.namespace": "database"}}
    deny(kube, app, egressDeny=[{"toEndpoints": [database]}])
    look_again(spaces)
    app.told("ConsumerDenies", "grant postgres", "block", "namespace database", "TCP 5432")
    shows(operator, 1, "findings", namespace=app.name, reason="ConsumerDenies")
    app.drop("block")
    look_again(spaces)
    shows_none(operator, "findings", namespace=app.name, reason="ConsumerDenies")


def test_without_deny_rules_a_hatch_is_as_open_as_it_says(spaces: Spaces) -> None:
    app = spaces({PROFILE: "isolated", ENFORCEMENT: "disabled"})
    event = eventually(lambda: app.events("EnforcementDisabled"), "the Event of the hatch")[0]
    assert "Deny" not in event["message"]
