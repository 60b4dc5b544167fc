"""The ends of a connection, as people name them: `photos/web`, `internet`, `postgres`. Pure.

What a name may mean is looked up in what is given. One that means several things is an error that
lists them, and so is one that means nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from homelab_netpol.cilium.evaluation import Endpoint, Pod
from homelab_netpol.cilium.terms import ICMP, ICMP_V6, LAST_PORT, TRANSPORT_PROTOCOLS
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


# As people write them, in capitals.
_PROTOCOLS = {each.upper(): each for each in (*TRANSPORT_PROTOCOLS, ICMP, ICMP_V6)}
_LAST_TYPE = 255
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

    def behind(self, port: Ports) -> tuple[Ports, ...]:
        """The pods' ports that a port means: of a Service those that its own leads to.

        Raises:
            EndError: neither the Service nor the pods behind it have it.
        """
        if not self.service or port.protocol not in TRANSPORT_PROTOCOLS:
            return (port,)
        by_service = dict(self.service)
        if port not in by_service:
            if any(port in targets for targets in by_service.values()):
                return (port,)
            known = ", ".join(map(str, by_service))
            raise EndError(f"{self.words}: the Service has no port {port}; it has {known}")
        if not by_service[port]:
            raise EndError(
                f"{self.words}: the Service's port {port} leads to a port by its name, which none"
                " of the given containers has; name the pods, and their port by its number"
            )
        return by_service[port]

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
    """Reads `5432`, `53/UDP`, `8/ICMP`, or the name of a port that containers of an end declare.

    Raises:
        EndError: it is none of these.
    """
    number, _, given = text.partition("/")
    protocol = _PROTOCOLS.get(given.upper() or "TCP")
    if protocol is None:
        known = ", ".join(_PROTOCOLS.values())
        raise EndError(f"--port {text}: the protocol must be one of {known}, as in 53/UDP")
    last = LAST_PORT if protocol in TRANSPORT_PROTOCOLS else _LAST_TYPE
    if number.isascii() and number.isdigit() and len(number) <= len(str(LAST_PORT)):
        if 1 <= int(number) <= last:
            return Ports.one(int(number), protocol)
        raise EndError(f"--port {text}: must be from 1 to {last}")
    declared: dict[str, dict[Ports, None]] = {}
    for member in (each for end in ends for each in end.members):
        for port in member.workload.ports if member.workload is not None else ():
            if port.name:
                declared.setdefault(port.name, {})[Ports.one(port.number, port.protocol)] = None
    if len(declared.get(number, ())) > 1:
        numbers = " or ".join(map(str, sorted(declared[number])))
        raise EndError(f"--port {text}: the containers give the name to more than one: {numbers}")
    for found in declared.get(number, ()):
        return found
    there_are = f"; the containers name {', '.join(sorted(declared))}" if declared else ""
    raise EndError(f"--port {text}: neither a number, as in 5432/TCP, nor a port's name{there_are}")


def _key(endpoint: Endpoint) -> tuple[str, ...] | Endpoint:
    if not isinstance(endpoint, Pod):
        return endpoint
    labels = (f"{key}={value}" for key, value in sorted(endpoint.labels.items()))
    # Rules may tell pods with the same labels apart by these.
    rest = (endpoint.service_account, repr(endpoint.ports))
    return ("pod", endpoint.namespace, str(endpoint.complete), *rest, *labels)
