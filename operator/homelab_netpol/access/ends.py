"""The ends of a connection, as people name them: `photos/web`, `internet`, `postgres`. Pure.

What a name may mean is looked up in what is given. One that means several things is an error that
lists them, and so is one that means nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from homelab_netpol.cilium.evaluation import Endpoint, Pod
from homelab_netpol.cilium.terms import LAST_PORT, TRANSPORT_PROTOCOLS
from homelab_netpol.manifests.workloads import Workload


class EndError(Exception):
    """What was asked about cannot be found, or is not one thing. The message lists the choices."""


@dataclass(frozen=True, slots=True, order=True)
class Ports:
    """One port, or all from the first to the last, of one protocol."""

    protocol: str
    first: int
    last: int

    @classmethod
    def one(cls, number: int, protocol: str = "TCP") -> Ports:
        """A single port."""
        return cls(protocol, number, number)

    def __str__(self) -> str:
        """As `--port` takes it; every port as `every TCP port`."""
        if (self.first, self.last) == (1, LAST_PORT):
            return f"every {self.protocol} port"
        numbers = str(self.first) if self.first == self.last else f"{self.first}-{self.last}"
        return f"{numbers}/{self.protocol}"


EVERY_TCP_PORT = Ports("TCP", 1, LAST_PORT)
EVERY_PORT = tuple(Ports(protocol, 1, LAST_PORT) for protocol in TRANSPORT_PROTOCOLS)


@dataclass(frozen=True, slots=True)
class Member:
    """A part of an end, judged by itself: the pods of one workload, an entity, a network, a name.

    Attributes:
        words: how messages name it.
        endpoint: as policies know it.
        workload: whose pods it is; None: not pods, or none is given.
        stands_for: others that stand for the same, asked where this one leaves an answer open: of
            the internet a representative address.
        any_pod: it stands for pods wherever they are, whose own policies are not asked about.
    """

    words: str
    endpoint: Endpoint
    workload: Workload | None = None
    stands_for: tuple[Endpoint, ...] = ()
    any_pod: bool = False

    @property
    def pod(self) -> Pod | None:
        """Its pods, whose policies decide; None: it is no pod, or one on its node's network."""
        return self.endpoint if isinstance(self.endpoint, Pod) and not self.any_pod else None

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """All by which it may be known, the most telling first."""
        return (self.endpoint, *self.stands_for)


@dataclass(frozen=True, slots=True)
class End:
    """One end, as it was asked about.

    Attributes:
        words: how messages name it.
        members: all that it is; each is judged.
        ports: on which it is usually called; none: not known.
        notes: what the name was taken for, where that is not plain.
        service: of a Service its own ports, each with those of the pods behind it.
        beside: it may be a part of an end that is better known by another name.
    """

    words: str
    members: tuple[Member, ...]
    ports: tuple[Ports, ...] = ()
    notes: tuple[str, ...] = ()
    service: tuple[tuple[Ports, tuple[Ports, ...]], ...] = ()
    beside: bool = False

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The namespaces of its pods, each once."""
        found = (each.pod.namespace for each in self.members if each.pod is not None)
        return tuple(dict.fromkeys(found))

    def noting(self, note: str) -> End:
        """The same with a remark."""
        return replace(self, notes=(*self.notes, note))


def end_of(words: str, members: Iterable[Member], ports: Iterable[Ports] = ()) -> End:
    """An end of these members, each endpoint once.

    Raises:
        EndError: there is none.
    """
    unique: dict[Endpoint | tuple[str, ...], Member] = {}
    for member in members:
        unique.setdefault(_key(member.endpoint), member)
    if not unique:
        raise EndError(f"{words}: no pods of the kind are given")
    return End(words, tuple(unique.values()), tuple(dict.fromkeys(ports)))


def named_ports(text: str, ends: Sequence[End]) -> Ports:
    """Reads `5432`, `53/UDP`, or the name of a port that containers of an end declare.

    Raises:
        EndError: it is none of these.
    """
    number, _, protocol = text.partition("/")
    protocol = protocol.upper() or "TCP"
    if protocol not in TRANSPORT_PROTOCOLS:
        known = ", ".join(TRANSPORT_PROTOCOLS)
        raise EndError(f"--port {text}: the protocol must be one of {known}, as in 53/UDP")
    if number.isascii() and number.isdigit() and len(number) <= len(str(LAST_PORT)):
        if 1 <= int(number) <= LAST_PORT:
            return Ports.one(int(number), protocol)
        raise EndError(f"--port {text}: must be from 1 to {LAST_PORT}")
    declared = {
        port.name: Ports.one(port.number, port.protocol)
        for end in ends
        for member in end.members
        if member.workload is not None
        for port in member.workload.ports
        if port.name
    }
    if number in declared:
        return declared[number]
    there_are = f"; the containers name {', '.join(sorted(declared))}" if declared else ""
    raise EndError(f"--port {text}: neither a number, as in 5432/TCP, nor a port's name{there_are}")


def _key(endpoint: Endpoint) -> tuple[str, ...] | Endpoint:
    if not isinstance(endpoint, Pod):
        return endpoint
    labels = (f"{key}={value}" for key, value in sorted(endpoint.labels.items()))
    return ("pod", endpoint.namespace, str(endpoint.complete), *labels)
