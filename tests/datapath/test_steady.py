"""What watches for lost packets says so when it cannot: else nothing would be lost."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from lab.datapath.host import Host
from lab.datapath.network_namespace import NetworkNamespace
from lab.datapath.steady import Steady


@pytest.mark.usefixtures("_machine")
def test_traffic_that_cannot_be_sent_is_an_error_and_not_traffic_of_which_nothing_is_lost() -> None:
    network = NetworkNamespace(Path("/proc/self/ns/net"))
    # The kernel lets no socket send there that has not asked to broadcast.
    everybody = Host("everybody", "255.255.255.255", network)
    with (
        pytest.raises(PermissionError),
        Steady(Host("here", "127.0.0.1", network), everybody, 53),
    ):
        time.sleep(0.1)
