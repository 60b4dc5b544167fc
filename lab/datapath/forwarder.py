"""Carries connections from loopback in a node's network namespace to loopback here.

So the agent reaches the API server, at the same address and port as everybody else, while the node
has no interface that the machine shares. Run as a process of its own:

    python -m lab.datapath.forwarder /proc/7/ns/net 41234
"""

import asyncio
import contextlib
import socket
import sys
from pathlib import Path

from lab.datapath.network_namespace import NetworkNamespace

_LOOPBACK = "127.0.0.1"
_CHUNK = 1 << 16


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(_CHUNK):
            target.write(data)
            await target.drain()
    target.close()


async def _serve(listener: socket.socket, port: int) -> None:
    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner, outer = await asyncio.open_connection(_LOOPBACK, port)
        except OSError:  # the API server is away
            writer.close()
            return
        await asyncio.gather(_copy(reader, outer), _copy(inner, writer))

    server = await asyncio.start_server(carry, sock=listener)
    print("ready", flush=True)
    await server.serve_forever()


def listening(there: NetworkNamespace, port: int) -> socket.socket:
    """A socket in a node's network namespace, at the API server's address and port."""
    listener = there.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Connections take it over; asyncio sets it only where the protocol was said. Without it every
    # second event of a watch reaches the agent 40 ms late, when the first is acknowledged.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.bind((_LOOPBACK, port))
    return listener


def main(namespace: str, port: int) -> None:
    """Serves until it is killed."""
    asyncio.run(_serve(listening(NetworkNamespace(Path(namespace)), port), port))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
