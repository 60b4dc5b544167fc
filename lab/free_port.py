"""Ports for servers that are started a moment later."""

from __future__ import annotations

import itertools
import os
import socket
from collections.abc import Iterator

# Below the ports that Linux gives to outgoing connections (32768 to 60999 by default), of which one
# may be taken by the next request of anybody; above those that are registered most.
_PORTS = range(15_000, 32_000)


# Where this process begins to look: processes that start one after the other begin far apart, so
# that two of them seldom give out the same port in the same moment.
_START = os.getpid() * 7919 % len(_PORTS)
_ports: Iterator[int] = itertools.cycle([*_PORTS[_START:], *_PORTS[:_START]])


def free_port(address: str = "127.0.0.1") -> int:
    """A TCP port that is free at this moment, and that this process has not given out lately.

    Another process may still take it.

    Raises:
        OSError: no port is free.
    """
    for port in itertools.islice(_ports, len(_PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind((address, port))
            except OSError:
                continue
            return port
    raise OSError(f"no port of {_PORTS.start} to {_PORTS.stop - 1} is free on {address}")
