"""The own front door from inside, gateways in several namespaces, and companions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import words
from tests.cluster.conftest import QUICK
from tests.cluster.kube import Kube, eventually
from tests.cluster.restarts import kill_at_rest, writes_nothing
from tests.cluster.spaces import (
    ENFORCEMENT,
    MANAGED_BY,
    OPERATOR,
    PLATFORM,
    PROFILE,
    Space,
    Spaces,
    access,
)
from tests.running_operator import RunningOperator, running_operator

Start = Callable[..., AbstractContextManager[RunningOperator]]
GATEWAY = access("gateway")
ACCESS = "homelab-access-gateway"
BOTH = ("internal", "external")
COMPANION: Mapping[str, Any] = {
    "pods": {"matchLabels": {"cnpg.io/podRole": "instance"}},
    "from": [{"namespace": "database", "podLabels": {"app": "operator"}}],
    "ports": [{"port": 8000}],
}
_POD = "pods of istio-gateway with gateway.networking.k8s.io/gateway-name"


@pytest.fixture(scope="module")
def start(account: Path) -> Start:
    """Starts an operator, with settings of the test's own, for the length of a `with` block."""

    def begin(settings: Mapping[str, Any] | None = None) -> AbstractContextManager[RunningOperator]:
        return running_operator(account, {**QUICK, **(settings or {})})

    return begin


def calls(app: Space, home: Space, *which: str) -> None:
    """Waits until both sides say that an app calls exactly these gateways."""

    def look() -> bool:
        policy = app.policy(ACCESS)
        found = words.allowed(policy, "egress") if policy else set()
        sides = {
            each: app.name in words.consumers(home.policy(f"homelab-callers-{each}"))
            for each in BOTH
        }
        assert found == {f"{_POD}={each} on TCP/80 TCP/443" for each in which}, found
        assert sides == {each: each in which for each in BOTH}, sides
        return True

    eventually(look, f"{app.name} to call {which}")


def lets_in(home: Space, which: str, app: Space) -> None:
    """Waits until the side of a gateway in one namespace lists an app."""
    name = f"homelab-callers-{which}"
    eventually(
        lambda: app.name in words.consumers(home.policy(name)),
        f"{name} in {home.name} to list {app.name}",
    )


def left_out(kube: Kube, name: str) -> set[str]:
    """The namespaces that a clusterwide policy leaves out by name."""
    policy = kube.ccnp(name)
    assert policy is not None, f"{name} stands"
    expressions = policy["specs"][0]["endpointSelector"]["matchExpressions"]
    return {value for each in expressions for value in each.get("values") or ()}


def test_the_grant_gateway_moves_both_sides_and_keeps_its_last_good_value(
    start: Start, spaces: Spaces, kube: Kube
) -> None:
    home = spaces.existing("istio-gateway")
    with start() as operator:
        app = spaces({GATEWAY: "true"})
        calls(app, home, *BOTH)
        app.label({GATEWAY: "internal"})
        calls(app, home, "internal")
        app.label({GATEWAY: "inside"})
        app.told("AccessValueInvalid", GATEWAY, "'inside'", '"external"', "'internal' is kept")
        calls(app, home, "internal")
        app.told("AccessGranted", "gateway", "'internal'")
        before_restart = kill_at_rest(operator, kube)
    assert not app.events("AccessRevoked"), "it has its grant at every turn"
    with start() as operator:
        writes_nothing(operator, kube, before_restart)
        app.label({GATEWAY: "external"})
        calls(app, home, "external")
        app.label({GATEWAY: None})
        app.holds_only()
        calls(app, home)
        app.told("AccessRevoked", "gateway")


def test_an_open_hatch_counts_as_granted_at_the_gateways(start: Start, spaces: Spaces) -> None:
    home = spaces.existing("istio-gateway")
    with start():
        app = spaces({ENFORCEMENT: "disabled"})
        for which in BOTH:
            lets_in(home, which, app)


def test_gateways_in_two_namespaces_have_their_side_each(start: Start, spaces: Spaces) -> None:
    first, second = spaces(), spaces()
    labels = {"app": "envoy"}
    peers = [{"namespace": each.name, "podLabels": labels} for each in (first, second)]
    entity = {"entities": ["ingress"]}
    settings = {
        "gateways": {"internal": [*peers, entity], "ports": [{"port": 8443}]},
        "platformNamespaces": ["kube-system", "istio-gateway", first.name, second.name],
    }
    with start(settings):
        app = spaces({GATEWAY: "internal"})
        assert words.allowed(app.has(ACCESS), "egress") == {
            f"pods of {first.name} with app=envoy on TCP/8443",
            f"pods of {second.name} with app=envoy on TCP/8443",
            "entity ingress on TCP/8443",
        }
        for each in (first, second):
            lets_in(each, "internal", app)
        app.label({GATEWAY: None})
        for each in (first, second):
            each.lacks("homelab-callers-internal")


def test_the_side_of_a_gateway_that_moved_goes_with_the_settings(
    start: Start, spaces: Spaces
) -> None:
    old, new, app = spaces(), spaces(), spaces({GATEWAY: "internal"})

    def settings(home: Space) -> dict[str, Any]:
        peer = {"namespace": home.name, "podLabels": {"app": "envoy"}}
        return {"gateways": {"internal": [peer]}}

    with start(settings(old)):
        lets_in(old, "internal", app)
    with start(settings(new)):
        lets_in(new, "internal", app)
        old.lacks("homelab-callers-internal")


def test_companions_leave_a_namespace_that_becomes_the_platforms(
    start: Start, spaces: Spaces, kube: Kube
) -> None:
    app = spaces({PROFILE: "isolated"})
    with start({"companions": {"cnpg": COMPANION}}):
        app.has_profile("isolated")
        assert app.name not in left_out(kube, "baseline-companion-cnpg")
        app.label({PLATFORM: "true"})
        app.lacks()
        eventually(
            lambda: app.name in left_out(kube, "baseline-companion-cnpg"),
            "the companions to be of governed namespaces",
        )
        app.label({PLATFORM: None})
        app.has_profile("isolated")
        eventually(
            lambda: app.name not in left_out(kube, "baseline-companion-cnpg"),
            "the companions to be back",
        )


def test_companions_come_and_go_with_the_settings(start: Start, kube: Kube) -> None:
    with start({"companions": {"cnpg": COMPANION, "backup": COMPANION}}):
        for name in ("baseline-companion-cnpg", "baseline-companion-backup"):
            policy = kube.ccnp(name)
            assert policy is not None, "ready means that it stands"
            assert policy["metadata"]["labels"][MANAGED_BY] == OPERATOR
            for side in policy["specs"]:
                assert side["enableDefaultDeny"] == {"ingress": False, "egress": False}
    changed = {**COMPANION, "ports": [{"port": 8001}]}
    with start({"companions": {"cnpg": changed}}):
        policy = kube.ccnp("baseline-companion-cnpg")
        assert policy is not None
        assert policy["specs"][0]["ingress"][0]["toPorts"][0]["ports"][0]["port"] == "8001"
        eventually(lambda: kube.ccnp("baseline-companion-backup") is None, "the stale one to go")
    with start():
        eventually(lambda: kube.ccnp("baseline-companion-cnpg") is None, "the last one to go")
