"""Traffic that goes on while the operator works: what both states allow is never lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.datapath.steady import Steady
from tests.cluster.spaces import ENFORCEMENT, PROFILE, access
from tests.datapath.expected import Expected
from tests.datapath.home import APP, Home
from tests.datapath.settled import Packets
from tests.recorded.corpus import SETTINGS
from tests.running_operator import RunningOperator, running_operator
from tests.truth.table import Table
from tests.truth.world import Namespace

SENDER = f"{APP}/sender"
DNS = 53


@pytest.fixture(autouse=True)
def _labels_taken_away(home: Home) -> Iterator[None]:
    yield
    home.label_app({PROFILE: None, ENFORCEMENT: None, access("postgres"): None})


def _steady(home: Home) -> Steady:
    """DNS: every profile allows it, and so does every state in between."""
    return Steady(home.hosts[SENDER], home.hosts["kube-dns"], DNS)


def _nothing_lost(steady: Steady) -> None:
    assert steady.known.packets > 0
    assert (steady.known.lost, steady.fresh.lost) == ([], [])


def test_a_change_of_profile_loses_no_packet_that_both_allow(
    home: Home, packets: Packets, operator: RunningOperator
) -> None:
    expected = Expected(home, Table.load())
    ends = ["gateway-internal", "gateway-external"]
    home.label_app({PROFILE: "isolated"})
    packets.do(expected.between([SENDER], ends, Namespace(APP, profile="isolated")))
    with _steady(home) as steady:
        for profile in ("standard", "internal", "internal-egress", "isolated"):
            home.label_app({PROFILE: profile, access("postgres"): "true"})
            said = Namespace(APP, profile=profile, grants=frozenset(["postgres"]))
            packets.do(expected.between([SENDER], ends, said))
    _nothing_lost(steady)


def test_opening_and_closing_the_hatch_loses_no_packet_that_was_allowed_before(
    home: Home, packets: Packets, operator: RunningOperator
) -> None:
    expected = Expected(home, Table.load())
    home.label_app({PROFILE: "isolated"})
    closed = Namespace(APP, profile="isolated")
    packets.do(expected.between([SENDER], ["outside-address"], closed))
    with _steady(home) as steady:
        home.label_app({ENFORCEMENT: "disabled"})
        opened = Namespace(APP, profile="isolated", hatch=True)
        packets.do(expected.between([SENDER], ["outside-address"], opened))
        home.label_app({ENFORCEMENT: None})
        packets.do(expected.between([SENDER], ["outside-address"], closed))
    _nothing_lost(steady)


def test_a_restart_of_the_operator_loses_no_packet(
    home: Home, packets: Packets, account: Path
) -> None:
    expected = Expected(home, Table.load())
    home.label_app({PROFILE: "isolated", access("postgres"): "true"})
    said = Namespace(APP, profile="isolated", grants=frozenset(["postgres"]))
    granted = expected.between([SENDER], ["database-primary", "gateway-external"], said)
    with running_operator(account, SETTINGS) as first:
        packets.do(granted)
        with _steady(home) as steady:
            os.kill(first.pid, signal.SIGTERM)
            first.stop()
            with running_operator(account, SETTINGS) as second:
                packets.do(granted)
                second.kill()
            with running_operator(account, SETTINGS):
                packets.do(granted)
    _nothing_lost(steady)
