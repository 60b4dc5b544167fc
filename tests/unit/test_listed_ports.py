"""Annotations that list ports: what they mean, and what holds when they cannot be read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homelab_netpol.intent import (
    Intent,
    LastGood,
    NamespaceFacts,
    PortRange,
    Reason,
    parse_port_ranges,
    port_ranges_text,
    read_intent,
)
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.plan import Planner
from homelab_netpol.settings import Settings

DOMAIN = "network-policy.homelab"
CATALOGUE = Catalogue(Settings())
TOO_MANY = ",".join(map(str, range(1000, 1200)))

PORTS = st.builds(
    lambda protocol, first, more: PortRange(protocol, first, first + more if more else 0),
    st.sampled_from(["TCP", "UDP", "SCTP"]),
    st.integers(1, 60000),
    st.integers(0, 5000),
)


def read(profile: str | None = "standard", before: LastGood | None = None, **said: str) -> Intent:
    labels = {f"{DOMAIN}/profile": profile} if profile else {}
    notes = {f"{DOMAIN}/{key.replace('_', '-')}": value for key, value in said.items()}
    facts = NamespaceFacts("app", labels, notes)
    now = datetime(2026, 3, 1, tzinfo=UTC)
    return read_intent(facts, before or LastGood(), CATALOGUE.vocabulary, now)


def reasons(intent: Intent) -> set[Reason]:
    return {problem.reason for problem in intent.problems}


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("443", [("TCP", 443, 0)]),
        ("80, 443 ,UDP/443", [("TCP", 80, 0), ("TCP", 443, 0), ("UDP", 443, 0)]),
        ("UDP/27000-27050,TCP/22", [("TCP", 22, 0), ("UDP", 27000, 27050)]),
        ("1-65535,SCTP/1", [("SCTP", 1, 0), ("TCP", 1, 65535)]),
        ("80,80,80-80", [("TCP", 80, 0)]),
    ],
)
def test_a_list_says_protocols_and_ranges(text: str, ports: list[tuple[str, int, int]]) -> None:
    assert parse_port_ranges(text) == tuple(PortRange(*each) for each in ports)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ",",
        "http",
        "0",
        "65536",
        "90-80",
        "udp/53",
        "ICMP/8",
        "80;443",
        "\uff18\uff10",
        "-1",
        TOO_MANY,
    ],
)
def test_what_is_no_list_of_at_most_forty_ports_is_none(text: str) -> None:
    assert parse_port_ranges(text) is None


@given(st.sets(PORTS, min_size=1, max_size=40))
def test_a_list_that_a_policy_notes_is_read_back(ports: set[PortRange]) -> None:
    ordered = tuple(sorted(ports))
    assert parse_port_ranges(port_ranges_text(ordered)) == ordered


@pytest.mark.parametrize("text", [TOO_MANY, "http"])
def test_what_cannot_be_read_opens_nothing_and_is_told(text: str) -> None:
    intent = read(lan_ports=text, world_ports=text, internet_ports=text)
    assert (intent.lan_ports, intent.world_ports, intent.internet_ports) == ((), (), None)
    assert reasons(intent) == {Reason.PORTS_INVALID}
    assert {problem.key.rpartition("/")[2] for problem in intent.problems} == {
        *("lan-ports", "world-ports", "internet-ports")
    }
    policies = Planner(CATALOGUE).namespace(intent, lambda _: False).policies
    assert [policy.key.name for policy in policies] == ["homelab-profile"]
    assert "world" not in str(policies[0].body)


def test_what_cannot_be_read_leaves_what_stands() -> None:
    kept = (PortRange("TCP", 80),)
    before = LastGood(profile="standard", internet_ports=kept, ingress=frozenset({"lan"}))
    intent = read(before=before, lan_ports="http", world_ports="http", internet_ports="http")
    assert intent.internet_ports == kept
    assert intent.retained_ingress == {"lan"}
    assert any("stay open" in problem.message for problem in intent.problems)


@pytest.mark.parametrize(
    "intent",
    [
        read(profile=None, lan_ports="80"),
        read(profile=None, world_ports="80"),
        read(profile=None, internet_ports="80"),
    ],
)
def test_without_a_profile_they_have_no_effect_and_that_is_told(intent: Intent) -> None:
    assert reasons(intent) == {Reason.PORTS_REFUSED}
    assert replace(intent, problems=()) == read(profile=None)


@pytest.mark.parametrize("profile", ["isolated", "internal"])
def test_ports_to_the_internet_of_a_profile_that_has_none_are_told(profile: str) -> None:
    [problem] = read(profile, internet_ports="80").problems
    assert problem.reason is Reason.PORTS_REFUSED
    assert "internal-egress, standard" in problem.message


def test_a_webhooks_label_that_cannot_be_read_leaves_what_stands() -> None:
    labels = {f"{DOMAIN}/webhooks": "yes"}
    for stands in (False, True):
        before = LastGood(ingress=frozenset({"webhooks"} if stands else ()))
        now = datetime(2026, 3, 1, tzinfo=UTC)
        intent = read_intent(NamespaceFacts("app", labels), before, CATALOGUE.vocabulary, now)
        assert intent.webhooks is stands
        assert reasons(intent) == {Reason.WEBHOOKS_INVALID}
