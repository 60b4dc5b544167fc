"""Each profile, on packets: who reaches the app, and whom it reaches."""

from __future__ import annotations

import pytest

from tests.datapath.expected import Expected
from tests.datapath.home import APP, NEIGHBOUR, PLATFORM, PROFILES, Home
from tests.datapath.settled import Packets
from tests.running_operator import RunningOperator
from tests.truth.table import Table

OUTSIDE = ("host", "kube-apiserver", "outside-address", "lan-address")


@pytest.mark.parametrize("profile", PROFILES)
def test_packets_do_what_the_profile_says(
    home: Home, packets: Packets, operator: RunningOperator, profile: str
) -> None:
    sender, receiver = (f"{APP}-{profile}/{name}" for name in ("sender", "receiver"))
    others = [*PLATFORM, *OUTSIDE, f"{NEIGHBOUR.name}/receiver", f"{APP}-standard/receiver"]
    expected = Expected(home, Table.load()).between([sender], [receiver, *others])
    assert set(expected.values()) == {True, False}
    packets.do(expected)
