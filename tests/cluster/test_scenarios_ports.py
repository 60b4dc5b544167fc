"""Ports that a Namespace lists, and webhooks: set, changed, mistyped, refused, over a restart."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.cluster import words
from tests.cluster.conftest import QUICK
from tests.cluster.kube import Kube
from tests.cluster.restarts import kill_at_rest, writes_nothing
from tests.cluster.spaces import (
    INTERNET_PORTS,
    LAN_PORTS,
    PROFILE,
    PROFILE_POLICY,
    WEBHOOKS,
    WORLD_PORTS,
    Spaces,
    uid_of,
    version_of,
)
from tests.cluster.watched import resync, shows, shows_none
from tests.running_operator import RunningOperator, running_operator

Start = Callable[[], AbstractContextManager[RunningOperator]]
WEBHOOK_POLICY = "homelab-ingress-webhooks"
API_SERVER = "entity kube-apiserver on TCP/any"
PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
# Key, policy, and from where the ports are then open.
STRAIGHT = [
    pytest.param(
        LAN_PORTS, "homelab-ingress-lan", [f"network {cidr}" for cidr in PRIVATE], id="lan"
    ),
    pytest.param(WORLD_PORTS, "homelab-ingress-world", ["entity world"], id="world"),
]


@pytest.fixture(scope="module")
def start(account: Path) -> Start:
    """Starts an operator for the length of a `with` block."""
    return lambda: running_operator(account, QUICK)


@pytest.mark.parametrize(("key", "name", "peers"), STRAIGHT)
def test_listed_ports_are_open_without_a_gateway(
    operator: RunningOperator, spaces: Spaces, key: str, name: str, peers: list[str]
) -> None:
    app = spaces({PROFILE: "isolated"})
    app.has_profile("isolated")
    app.annotate({key: "1883, UDP/27015-27020"})
    policy = app.has(name)
    assert words.allowed(policy, "ingress") == {
        f"{peer} on TCP/1883 UDP/27015-27020" for peer in peers
    }
    assert policy["spec"]["enableDefaultDeny"] == {"ingress": False, "egress": False}
    app.annotate({key: "22"})
    app.allows("ingress", f"{peers[0]} on TCP/22", name)
    assert uid_of(app.policy(name)) == uid_of(policy), "the policy was changed, never absent"
    app.annotate({key: None})
    app.holds_only(PROFILE_POLICY)


@pytest.mark.parametrize(("key", "name", "peers"), STRAIGHT)
def test_ports_that_cannot_be_read_leave_open_what_is(
    start: Start, spaces: Spaces, kube: Kube, key: str, name: str, peers: list[str]
) -> None:
    with start() as operator:
        app, new = spaces({PROFILE: "internal"}), spaces({PROFILE: "internal"})
        app.annotate({key: "1883"})
        before = version_of(app.has(name))
        app.annotate({key: "mqtt"})
        new.annotate({key: "mqtt"})
        app.told("PortsInvalid", key, "'mqtt'", "stay open")
        new.told("PortsInvalid", key, "none is opened")
        shows(operator, 1, "refused_labels", namespace=app.name, reason="PortsInvalid", key=key)
        new.holds_only(PROFILE_POLICY)
        before_restart = kill_at_rest(operator, kube)
    with start() as operator:
        writes_nothing(operator, kube, before_restart)
        assert version_of(app.policy(name)) == before
        app.annotate({key: "1884"})
        app.allows("ingress", f"{peers[0]} on TCP/1884", name)
        shows_none(operator, "refused_labels", namespace=app.name)


@pytest.mark.parametrize("key", [LAN_PORTS, WORLD_PORTS, INTERNET_PORTS])
def test_ports_without_a_profile_are_told_to_do_nothing(
    operator: RunningOperator, spaces: Spaces, key: str
) -> None:
    app = spaces()
    app.annotate({key: "1883"})
    app.told("PortsRefused", key, PROFILE)
    resync(operator)
    assert app.policies() == {}


def test_the_internet_is_open_on_the_ports_that_are_listed(
    operator: RunningOperator, spaces: Spaces
) -> None:
    app = spaces({PROFILE: "standard"}, internet_ports="80,443,UDP/443")
    policy = app.has_profile("standard")
    listed = "entity world on TCP/80 TCP/443 UDP/443"
    assert words.allowed(policy, "egress") == {words.DNS, words.OWN_NAMESPACE, listed}
    app.annotate({INTERNET_PORTS: "465"})
    app.allows("egress", "entity world on TCP/465")
    before = version_of(app.policy())
    app.annotate({INTERNET_PORTS: "all"})
    app.told("PortsInvalid", INTERNET_PORTS, "'all'", "still be reached on 465")
    assert version_of(app.policy()) == before
    app.annotate({INTERNET_PORTS: None})
    app.allows("egress", words.HTTPS)


def test_ports_to_the_internet_of_a_profile_without_it_are_told_to_do_nothing(
    operator: RunningOperator, spaces: Spaces
) -> None:
    app = spaces({PROFILE: "internal"}, internet_ports="80")
    egress = words.allowed(app.has_profile("internal"), "egress")
    assert egress == {words.DNS, words.OWN_NAMESPACE}
    app.told("PortsRefused", "internal has none", "internal-egress", "standard")


@pytest.mark.parametrize("labels", [{}, {PROFILE: "isolated"}], ids=["no profile", "profile"])
def test_the_api_server_calls_webhooks_where_the_label_says_so(
    operator: RunningOperator, spaces: Spaces, labels: dict[str, str]
) -> None:
    app = spaces({**labels, WEBHOOKS: "allow"})
    policy = app.has(WEBHOOK_POLICY)
    assert words.allowed(policy, "ingress") == {API_SERVER}
    assert policy["spec"]["enableDefaultDeny"] == {"ingress": False, "egress": False}
    app.label({WEBHOOKS: "Allow"})
    app.told("WebhooksInvalid", WEBHOOKS, "'Allow'", "stay allowed")
    shows(operator, 1, "refused_labels", namespace=app.name, reason="WebhooksInvalid")
    assert version_of(app.policy(WEBHOOK_POLICY)) == version_of(policy)
    app.label({WEBHOOKS: "deny"})
    app.lacks(WEBHOOK_POLICY)


def test_a_webhooks_label_mistyped_from_the_start_opens_nothing(
    operator: RunningOperator, spaces: Spaces
) -> None:
    app = spaces({WEBHOOKS: "true"})
    app.told("WebhooksInvalid", "'allow' or 'deny'")
    resync(operator)
    assert app.policies() == {}


def test_everything_that_stands_can_be_listed_by_what_it_is_there_for(
    operator: RunningOperator, spaces: Spaces, kube: Kube
) -> None:
    notes = {"lan_ports": "22", "world_ports": "25565"}
    app = spaces({PROFILE: "internal", WEBHOOKS: "allow"}, **notes)
    straight = ("homelab-ingress-lan", "homelab-ingress-world", WEBHOOK_POLICY)
    app.holds_only(PROFILE_POLICY, *straight)
    path = f"/apis/cilium.io/v2/namespaces/{app.name}/ciliumnetworkpolicies"
    listed = kube.items(f"{path}?labelSelector=network-policy.homelab/component%3Dingress")
    assert {item["metadata"]["name"] for item in listed} == set(straight)
