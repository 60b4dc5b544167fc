"""Steady traffic from one host to another, of which every packet that is lost is known."""

import socket
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Self

from lab.datapath.host import Host

_INTERVAL = 0.005
_ANSWER_SECONDS = 1.0


@dataclass
class Sent:
    """What became of the traffic.

    Attributes:
        packets: How many were sent.
        lost: When those were sent that nobody answered, in seconds since the start.
    """

    packets: int = 0
    lost: list[float] = field(default_factory=list)


class Steady:
    """Datagrams at even steps, by one socket and by a fresh one each, while the block lasts.

    A datagram is sent once, so nothing hides a loss: by the first socket they belong to one
    connection, which the agent knows; by a fresh one each is judged anew. Leaving the block raises
    the OSError that kept one from being sent.

    Args:
        source: Who sends.
        target: Who answers, see `Echo`.
        port: The target's.

    Attributes:
        known: What became of those of the one socket.
        fresh: What became of the others.
    """

    def __init__(self, source: Host, target: Host, port: int) -> None:
        self.known = Sent()
        self.fresh = Sent()
        self._source = source
        self._target = target
        self._port = port
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(1, "steady")
        self._sending: Future[None] | None = None

    def __enter__(self) -> Self:
        self._sending = self._pool.submit(self._send)
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        with self._pool:
            if self._sending is not None:
                self._sending.result()

    def _send(self) -> None:
        began = time.monotonic()
        waiting: list[tuple[float, socket.socket, Sent]] = []
        one = self._connected()
        unanswered: dict[bytes, float] = {}
        while not self._stop.wait(_INTERVAL):
            now = time.monotonic() - began
            mark = b"%d" % self.known.packets
            unanswered[mark] = now
            one.send(mark)
            self.known.packets += 1
            each = self._connected()
            each.send(mark)
            self.fresh.packets += 1
            waiting.append((now, each, self.fresh))
            self._receive(one, unanswered)
            waiting = [entry for entry in waiting if not _answered(entry, now)]
        time.sleep(_ANSWER_SECONDS)
        self._receive(one, unanswered)
        self.known.lost += unanswered.values()
        for entry in waiting:
            _answered(entry, time.monotonic() - began)
        one.close()

    def _connected(self) -> socket.socket:
        made = self._source.network.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.setblocking(False)
        made.bind((self._source.address, 0))
        made.connect((self._target.address, self._port))
        return made

    def _receive(self, one: socket.socket, unanswered: dict[bytes, float]) -> None:
        while True:
            try:
                unanswered.pop(one.recv(64), None)
            except OSError:  # there is no more, or somebody refused
                return


def _answered(entry: tuple[float, socket.socket, Sent], now: float) -> bool:
    """Whether it is over with a datagram: its answer came, or has had time enough."""
    at, waiting, sent = entry
    try:
        waiting.recv(64)
    except OSError:
        if now - at < _ANSWER_SECONDS:
            return False
        sent.lost.append(at)
    waiting.close()
    return True
