"""Sends packets, and says of each what became of it.

A probe passed when an answer came back, were it a refusal: then both directions were open. It was
dropped when the agent says so, of just this packet; silence alone proves nothing on a busy machine.
"""

import enum
import errno
import os
import secrets
import selectors
import socket
import struct
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from lab.datapath.drops import Drop, Drops
from lab.datapath.host import Host

_POLL_SECONDS = 0.005
_WAIT_SECONDS = 5.0
# Between a packet and the next attempt: what a change takes is measured as finely as that.
_PAUSE_SECONDS = 0.002
# Far below the limit of open files, and below the agent's buffer of events.
_AT_ONCE = 200
# A flow takes some kilobytes, and who waits for a change makes many.
_KEPT = 1000
_ECHO_REQUEST, _ECHO_REPLY, _IP_HEADER = 8, 0, 20

Key = tuple[str, tuple[str, int], tuple[str, int]]


class Outcome(enum.Enum):
    """What became of a probe."""

    PASSED = "passed"
    DROPPED = "dropped"
    LOST = "lost: no answer came, and no policy dropped it"


@dataclass(frozen=True)
class Probe:
    """One attempt of one host to reach another.

    Attributes:
        source: Who sends.
        target: Who is to answer.
        protocol: TCP: a connection; UDP: a datagram; ICMP: an echo request.
        port: The target's; 0 for ICMP.
    """

    source: Host
    target: Host
    protocol: str
    port: int = 0

    def __str__(self) -> str:
        port = f"/{self.port}" if self.port else ""
        return f"{self.source} -> {self.target} {self.protocol}{port}"


class Prober:
    """Sends probes, many at once.

    Args:
        drops: What the agent drops.

    Attributes:
        seen: The last drops that were read on the way.
    """

    def __init__(self, drops: Drops) -> None:
        self._drops = drops
        self.seen: deque[Drop] = deque(maxlen=_KEPT)

    def outcomes(self, probes: Sequence[Probe]) -> list[Outcome]:
        """What became of each probe, in their order."""
        found: list[Outcome] = []
        for start in range(0, len(probes), _AT_ONCE):
            found += self._send(probes[start : start + _AT_ONCE])
        return found

    def outcome(self, probe: Probe) -> Outcome:
        """What became of one."""
        return self.outcomes([probe])[0]

    def passes(self, probe: Probe) -> bool:
        """Whether one passed; a lost one did not."""
        return self.outcome(probe) is Outcome.PASSED

    def first(self, probe: Probe, wanted: Outcome, within: float) -> float | None:
        """When the first one was sent of which this became, by the monotonic clock.

        Args:
            probe: It is sent again and again until then.
            wanted: What is to become of it.
            within: Seconds from now, after which the answer is None.
        """
        deadline = time.monotonic() + within
        while (sent := time.monotonic()) < deadline:
            if self.outcome(probe) is wanted:
                return sent
            time.sleep(_PAUSE_SECONDS)
        return None

    def _send(self, probes: Sequence[Probe]) -> list[Outcome]:
        self._read_drops()  # so that what is read from here on is about these
        with ExitStack() as stack, selectors.DefaultSelector() as selector:
            attempts = [_Attempt(probe) for probe in probes]
            for attempt in attempts:
                stack.callback(attempt.socket.close)
                attempt.send()
                if attempt.outcome is None:
                    selector.register(attempt.socket, attempt.event, attempt)
            self._wait(attempts, selector)
        return [attempt.outcome or Outcome.LOST for attempt in attempts]

    def _wait(self, attempts: Iterable["_Attempt"], selector: selectors.BaseSelector) -> None:
        waiting = {attempt.key: attempt for attempt in attempts if attempt.outcome is None}
        deadline = time.monotonic() + _WAIT_SECONDS
        while waiting and time.monotonic() < deadline:
            for key, _ in selector.select(_POLL_SECONDS):
                key.data.receive()
            dropped = {(d.protocol, d.source, d.target) for d in self._read_drops()}
            for each in dropped & waiting.keys():
                if waiting[each].outcome is None:
                    waiting[each].outcome = Outcome.DROPPED
            for each in [each for each, one in waiting.items() if one.outcome is not None]:
                selector.unregister(waiting.pop(each).socket)

    def _read_drops(self) -> Iterator[Drop]:
        read = list(self._drops.read())
        self.seen += read
        return (drop for drop in read if drop.by_policy)


class _Attempt:
    """One probe on its way."""

    def __init__(self, probe: Probe) -> None:
        self.outcome: Outcome | None = None
        self._probe = probe
        kind = {
            "TCP": socket.SOCK_STREAM,
            "UDP": socket.SOCK_DGRAM,
            "ICMP": socket.SOCK_RAW,
        }[probe.protocol]
        self.socket = probe.source.network.socket(socket.AF_INET, kind)
        self.socket.setblocking(False)
        self._mark = secrets.token_bytes(8)
        self.event = selectors.EVENT_WRITE if probe.protocol == "TCP" else selectors.EVENT_READ

    def send(self) -> None:
        """Sends it; an error at once is an outcome as well."""
        probe = self._probe
        # By its own address: some hosts have more than one.
        self.socket.bind((probe.source.address, 0))
        status = self.socket.connect_ex((probe.target.address, probe.port))
        if status not in (0, errno.EINPROGRESS):
            self._ended(status)
        elif probe.protocol == "UDP":
            self.socket.send(self._mark)
        elif probe.protocol == "ICMP":
            self.socket.send(_echo_request(self._mark))

    @property
    def key(self) -> Key:
        """What the agent would call the packet."""
        protocol = self._probe.protocol
        port = 0 if protocol == "ICMP" else self.socket.getsockname()[1]
        target = (self._probe.target.address, self._probe.port)
        return (protocol, (self._probe.source.address, port), target)

    def receive(self) -> None:
        """Takes what has come."""
        if self._probe.protocol == "TCP":
            self._ended(self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
            return
        try:
            answer = self.socket.recv(256)
        except OSError as error:
            self._ended(error.errno or errno.EIO)
            return
        if self._probe.protocol == "UDP" or _is_reply(answer, self._mark):
            self._ended(0)

    def _ended(self, status: int) -> None:
        if status in (0, errno.ECONNREFUSED):
            self.outcome = Outcome.PASSED
        elif status not in (errno.EHOSTUNREACH, errno.ETIMEDOUT, errno.EAGAIN):
            raise OSError(status, f"{os.strerror(status)}: {self._probe}")


def _echo_request(mark: bytes) -> bytes:
    identifier = int.from_bytes(mark[:2], "big")
    packet = struct.pack("!BBHHH", _ECHO_REQUEST, 0, 0, identifier, 1) + mark
    return packet[:2] + struct.pack("!H", _checksum(packet)) + packet[4:]


def _is_reply(packet: bytes, mark: bytes) -> bool:
    return packet[_IP_HEADER] == _ECHO_REPLY and packet.endswith(mark)


def _checksum(data: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF
