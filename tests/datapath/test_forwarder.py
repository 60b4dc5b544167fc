"""The agent's connections to the API server are carried as if nothing were in between."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from lab.datapath.forwarder import listening
from lab.datapath.network_namespace import NetworkNamespace


@pytest.mark.usefixtures("_machine")
def test_no_event_of_a_watch_waits_until_the_one_before_is_acknowledged() -> None:
    here = NetworkNamespace(Path("/proc/self/ns/net"))
    with listening(here, 0) as listener:
        listener.listen()
        with socket.create_connection(listener.getsockname()):
            accepted, _ = listener.accept()
            with accepted:
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    here.close()
