"""GitOps tools take labels off and put them on again at every sync: nothing may come of it.

What stands meanwhile is judged by Cilium's engine.
"""

from __future__ import annotations

import time

import pytest

from lab.control_plane import Engine, Flow, Identity
from tests.cluster.deadlines import SINCE_GAUGE, closes
from tests.cluster.kube import Kube, ccnp_path, cnp_path, eventually
from tests.cluster.spaces import (
    ENFORCEMENT,
    GATEWAY_PORTS,
    HATCH_POLICY,
    INTRA_NAMESPACE,
    PROFILE,
    PROFILE_POLICY,
    Space,
    Spaces,
    access,
    version_of,
)
from tests.cluster.watched import series, shows, shows_none
from tests.running_operator import RunningOperator

pytestmark = pytest.mark.usefixtures("operator")

# Long beside what a request takes on a busy machine, so that a blink is a blink.
GRACE = 5
SETTINGS = {"labelGraceSeconds": GRACE}
GATEWAY = {"gateway.networking.k8s.io/gateway-name": "internal"}


def passes(kube: Kube, engine: Engine, app: Space) -> dict[str, bool]:
    """Which of the flows at the app pass, by all policies that stand now."""
    labels = app.manifest()["metadata"]["labels"]
    engine.identities(
        {
            "app": Identity.pod(app.name, {"app": "app"}, labels),
            "gateway": Identity.pod("istio-gateway", GATEWAY),
            "postgres": Identity.pod("database", {"app": "postgres"}),
            "stranger": Identity.entity("world"),
        }
    )
    engine.policies(
        [
            {**item, "kind": kind}
            for path, kind in (
                (cnp_path(app.name), "CiliumNetworkPolicy"),
                (cnp_path("database"), "CiliumNetworkPolicy"),
                (ccnp_path(), "CiliumClusterwideNetworkPolicy"),
            )
            for item in kube.items(path)
        ]
    )
    flows = {
        "gateway in": Flow("gateway", "app", 8080),
        "gateway to another port": Flow("gateway", "app", 9999),
        "stranger in": Flow("stranger", "app", 8080),
        "to postgres": Flow("app", "postgres", 5432),
    }
    verdicts = engine.verdicts(flows.values())
    return {name: verdict.allowed for name, verdict in zip(flows, verdicts, strict=True)}


def test_labels_that_blink_change_nothing(
    spaces: Spaces, kube: Kube, engine: Engine, operator: RunningOperator
) -> None:
    said = {PROFILE: "internal", access("postgres"): "true", INTRA_NAMESPACE: "deny"}
    app = spaces(said, gateway_ports="8080")
    stands = {name: app.has(name) for name in (PROFILE_POLICY, "homelab-access-postgres")}
    before = eventually(
        lambda: (seen := passes(kube, engine, app))["to postgres"] and seen, "the grant to work"
    )
    assert before == {
        "gateway in": True,
        "gateway to another port": False,
        "stranger in": False,
        "to postgres": True,
    }
    for _ in range(5):
        app.label(dict.fromkeys(said))
        app.annotate({GATEWAY_PORTS: None})
        assert passes(kube, engine, app) == before
        app.label(said)
        app.annotate({GATEWAY_PORTS: "8080"})
        assert passes(kube, engine, app) == before
    # Longer than the grace: nothing is left to come of it.
    deadline = time.monotonic() + GRACE + 1
    while time.monotonic() < deadline:
        assert passes(kube, engine, app) == before
    for name, policy in stands.items():
        assert version_of(app.policy(name)) == version_of(policy), "not one write"
    assert app.events("ProfileRemoved") == []
    assert app.events("AccessRevoked") == []
    shows_none(operator, "profile_lost_timestamp_seconds", namespace=app.name)


def test_a_profile_that_stays_away_is_lost_with_a_warning_and_a_metric(
    spaces: Spaces, kube: Kube, engine: Engine, operator: RunningOperator
) -> None:
    app = spaces({PROFILE: "internal"})
    app.has_profile("internal")
    app.label({PROFILE: None})
    assert passes(kube, engine, app)["gateway in"]
    app.lacks(PROFILE_POLICY)
    warning = app.told("ProfileRemoved", "internal", "baselines", "put the label back")
    assert warning["type"] == "Warning"
    eventually(
        lambda: series(operator, "profile_lost_timestamp_seconds", namespace=app.name),
        "the lost profile in the metrics",
    )
    app.label({PROFILE: "internal"})
    app.has_profile("internal")
    shows_none(operator, "profile_lost_timestamp_seconds", namespace=app.name)


def test_a_hatch_that_blinks_is_closed_when_its_time_is_over(
    spaces: Spaces, kube: Kube, engine: Engine, operator: RunningOperator
) -> None:
    app = spaces({PROFILE: "isolated", ENFORCEMENT: "disabled"}, disabled_until="8s")
    app.has(HATCH_POLICY)
    [since] = eventually(lambda: series(operator, SINCE_GAUGE, namespace=app.name), "its beginning")
    assert passes(kube, engine, app)["stranger in"]
    while time.time() < since + 5:
        app.label({ENFORCEMENT: None})
        app.lacks(HATCH_POLICY)
        assert not passes(kube, engine, app)["stranger in"], "a hatch closes at once"
        app.label({ENFORCEMENT: "disabled"})
        app.has(HATCH_POLICY)
        assert passes(kube, engine, app)["stranger in"]
        shows(operator, since, SINCE_GAUGE, namespace=app.name)
    assert closes(kube, app) >= since + 8
    # And a blink after its end opens nothing, for the engine that has the label at once either.
    for _ in range(3):
        app.label({ENFORCEMENT: None})
        app.label({ENFORCEMENT: "disabled"})
        assert not passes(kube, engine, app)["stranger in"]
    app.told("HatchExpired")
    assert app.policy(HATCH_POLICY) is None
