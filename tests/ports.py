"""Ports for servers that a test starts."""

from __future__ import annotations

import socket


def free_port() -> int:
    """A TCP port on loopback that is free at this moment; somebody else may still take it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
