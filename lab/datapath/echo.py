"""Answers datagrams and connections of hosts, as the programs in their pods would."""

import contextlib
import os
import selectors
import socket
import threading
from collections.abc import Iterable
from typing import Self

from lab.datapath.host import Host

_CHUNK = 2048


class Echo:
    """Sends back what comes, from a thread of its own, for as long as the `with` block lasts.

    A TCP port without a listener answers too, by a refusal; one of UDP does so once a second.
    """

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = os.pipe()
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._serve, name="echo", daemon=True)
        self._lock = threading.Lock()

    def listen(self, host: Host, *, udp: Iterable[int] = (), tcp: Iterable[int] = ()) -> None:
        """Listens on ports of a host."""
        ports = [(socket.SOCK_DGRAM, port) for port in udp]
        ports += [(socket.SOCK_STREAM, port) for port in tcp]
        for kind, port in ports:
            listener = host.network.socket(socket.AF_INET, kind)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host.address, port))
            listener.setblocking(False)
            if kind == socket.SOCK_STREAM:
                listener.listen()
            with self._lock:
                self._selector.register(listener, selectors.EVENT_READ, _answer_of(listener))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        os.close(self._woken)
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
        self._selector.close()
        os.close(self._wake)

    def _serve(self) -> None:
        while True:
            for key, _ in self._selector.select():
                ready = key.fileobj
                if not isinstance(ready, socket.socket):
                    return
                with contextlib.suppress(BlockingIOError):
                    self._answer(ready, key.data)

    def _answer(self, ready: socket.socket, kind: str) -> None:
        if kind == "listener":
            connection, _ = ready.accept()
            connection.setblocking(False)
            with self._lock:
                self._selector.register(connection, selectors.EVENT_READ, "connection")
        elif kind == "datagrams":
            with contextlib.suppress(OSError):
                data, sender = ready.recvfrom(_CHUNK)
                ready.sendto(data, sender)
        else:
            self._echo(ready)

    def _echo(self, connection: socket.socket) -> None:
        try:
            data = connection.recv(_CHUNK)
            if data:
                connection.sendall(data)
                return
        except BlockingIOError:
            return
        except OSError:
            pass  # the other end is gone
        with self._lock:
            self._selector.unregister(connection)
        connection.close()


def _answer_of(listener: socket.socket) -> str:
    return "listener" if listener.type == socket.SOCK_STREAM else "datagrams"
