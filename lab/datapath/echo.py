"""Answers datagrams to hosts, as the programs in their pods would."""

import contextlib
import os
import selectors
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Self

from lab.datapath.host import Host

_CHUNK = 2048

Answer = Callable[[bytes], bytes]


class Echo:
    """Sends back what comes, from a thread of its own, for as long as the `with` block lasts.

    Of UDP alone: a TCP port without a listener answers anyway, by a refusal; one of UDP does so
    once a second.
    """

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = os.pipe()
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._serve, name="echo", daemon=True)

    def listen(self, host: Host, ports: Iterable[int], answer: Answer = bytes) -> None:
        """Listens on ports of a host.

        Args:
            host: Who answers.
            ports: Its ports of UDP.
            answer: What it says to a datagram; if not given, the same.
        """
        for port in ports:
            listener = host.network.socket(socket.AF_INET, socket.SOCK_DGRAM)
            # The internet's address may have several that listen.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host.address, port))
            listener.setblocking(False)
            self._selector.register(listener, selectors.EVENT_READ, answer)

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
                with contextlib.suppress(OSError):
                    data, sender = ready.recvfrom(_CHUNK)
                    ready.sendto(key.data(data), sender)
