"""Connections that labels must let pass: who opens them, to whom, on which ports. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.ends import End, Member, Ports
from homelab_netpol.access.ends_find import EndFinder
from homelab_netpol.cilium.evaluation import Direction, Endpoint, Name
from homelab_netpol.cilium.terms import ICMP, ICMP_V6, TRANSPORT_PROTOCOLS, IpNetwork, parse_cidr
from homelab_netpol.diagnosis.ends import FlowEnds, UnknownEnd
from homelab_netpol.diagnosis.group_key import EndKey, end_key
from homelab_netpol.flows import Flow, FlowEnd, Verdict

#: So many different connections are kept; further ones are counted.
MOST_NEEDS = 100_000
_MOST_ADDRESSES = 8
# The first port that clients take for their own end, by default of Linux.
_FIRST_EPHEMERAL = 32_768
_MOST_WORDS = 200


@dataclass(frozen=True, slots=True)
class Need:
    """A connection that must be possible.

    Attributes:
        source: who opens it.
        target: who is called.
        ports: on which; all of them.
        count: how many flows were seen; of a rule 1.
        by: the policies that name it; none: it was seen.
        last: when it was seen last; None: that is not known.
    """

    source: Member
    target: Member
    ports: Ports
    count: int = 1
    by: tuple[str, ...] = ()
    last: datetime | None = None

    @property
    def words(self) -> str:
        """Who to whom, on which port."""
        return f"{self.source.words} to {self.target.words} on {self.ports}"

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The Namespaces of its ends that are pods."""
        pods = (each.pod for each in (self.source, self.target))
        return tuple(dict.fromkeys(each.namespace for each in pods if each is not None))


@dataclass(slots=True)
class LeftOut:
    """What was read, and is no need.

    Attributes:
        dropped: flows that policies or anything else dropped.
        replies: flows of connections that were counted already, or so it seems.
        portless: flows without a port that a label could open: ICMP and others.
        older: flows before the time that was asked about.
        others: flows between ends of which none is a pod, or of other Namespaces.
        too_many: flows beyond the number of different connections that is kept.
        unknown: what could not be said of an end, in words, with how many flows.
    """

    dropped: int = 0
    replies: int = 0
    portless: int = 0
    older: int = 0
    others: int = 0
    too_many: int = 0
    unknown: dict[str, int] = field(default_factory=dict)

    def notes(self) -> list[str]:
        """What a reader must know."""
        said = [
            (self.dropped, "dropped, and so not taken for needed (homelab-netpol diagnose)"),
            (self.older, "older than --since"),
            (self.portless, "without a port (ICMP and the like): no label opens it"),
            (self.too_many, f"beyond {MOST_NEEDS:,} different connections, left out"),
            *((count, f"left out: {words}") for words, count in self._most_frequent()),
        ]
        return [f"{_counted(number)} {words}" for number, words in said if number]

    def _most_frequent(self) -> list[tuple[str, int]]:
        ranked = sorted(self.unknown.items(), key=lambda each: -each[1])
        return [(words, count) for words, count in ranked[:_MOST_WORDS]]


_Key = tuple[EndKey, EndKey, str, int]


class SeenNeeds:
    """Collects needs from flows as they come, in memory that does not grow with their number.

    Attributes:
        left_out: what was no need.
        first: when the first flow was seen; None: no flow said.
        last: likewise the last.
    """

    def __init__(self, namespace: str | None = None, cutoff: datetime | None = None) -> None:
        """Begins with none.

        Args:
            namespace: only flows of this Namespace matter.
            cutoff: only flows since then.
        """
        self.left_out = LeftOut()
        self.first: datetime | None = None
        self.last: datetime | None = None
        self._namespace = namespace
        self._cutoff = cutoff
        # A connection is seen at both of its ends, so each counts for itself.
        self._counts: dict[_Key, list[int]] = {}
        self._last: dict[_Key, datetime] = {}
        self._addresses: dict[str, dict[str, None]] = {}

    def add(self, flow: Flow) -> None:
        """One more flow; what passed is needed, and what audit mode let pass."""
        if self._cutoff is not None and flow.time is not None and flow.time < self._cutoff:
            self.left_out.older += 1
            return
        if flow.time is not None:
            self.first = min(self.first or flow.time, flow.time)
            self.last = max(self.last or flow.time, flow.time)
        if flow.verdict is Verdict.DROPPED:
            self.left_out.dropped += 1
        elif _is_reply(flow):
            self.left_out.replies += 1
        elif flow.port is None or flow.protocol not in TRANSPORT_PROTOCOLS:
            self.left_out.portless += flow.protocol in (ICMP, ICMP_V6)
            self.left_out.others += flow.protocol not in (ICMP, ICMP_V6)
        else:
            self._keep(flow, flow.port)

    def _keep(self, flow: Flow, port: int) -> None:
        source, destination = end_key(flow.source), end_key(flow.destination)
        names = {source.namespace, destination.namespace} - {""}
        if not names or (self._namespace is not None and self._namespace not in names):
            self.left_out.others += 1
            return
        key = (source, destination, flow.protocol, port)
        if key not in self._counts and len(self._counts) >= MOST_NEEDS:
            self.left_out.too_many += 1
            return
        counts = self._counts.setdefault(key, [0, 0])
        counts[flow.direction is Direction.INGRESS] += flow.times
        if flow.time is not None:
            self._last[key] = max(self._last.get(key, flow.time), flow.time)
        self._note_address(destination, flow.destination)

    def _note_address(self, key: EndKey, end: FlowEnd) -> None:
        if key.name and end.ip:
            known = self._addresses.setdefault(key.name, {})
            if len(known) < _MOST_ADDRESSES:
                known[end.ip] = None

    @property
    def namespaces(self) -> set[str]:
        """The Namespaces of this cluster that flows name, as far as they say."""
        ends = {end for key in self._counts for end in key[:2]}
        return {each.namespace for each in ends if not each.cluster} - {""}

    def needs(self, model: ClusterModel) -> list[Need]:
        """All needs; each end is the model's, or made of what the flows say of it."""
        finder = EndFinder(model)
        ends = FlowEnds(model, finder, frozenset(model.namespaces))
        known: dict[EndKey, End | str] = {}

        def find(key: EndKey) -> End | str:
            if key not in known:
                try:
                    known[key] = ends.find(key, is_own=True)
                except UnknownEnd as error:
                    known[key] = str(error)
            return known[key]

        found: dict[tuple[object, ...], Need] = {}
        for key, counts in self._counts.items():
            source, destination, protocol, port = key
            count, last = max(counts), self._last.get(key)
            callers, called = find(source), find(destination)
            if isinstance(callers, str) or isinstance(called, str):
                words = callers if isinstance(callers, str) else str(called)
                self.left_out.unknown[words] = self.left_out.unknown.get(words, 0) + count
                continue
            for one in callers.members:
                for other in called.members:
                    target = self._with_addresses(other, destination)
                    merge(found, Need(one, target, Ports.one(port, protocol), count, last=last))
        return list(found.values())

    def _with_addresses(self, member: Member, key: EndKey) -> Member:
        endpoint = member.endpoint
        if not isinstance(endpoint, Name) or key.name not in self._addresses:
            return member
        networks = (as_network(each) for each in self._addresses[key.name])
        known = tuple(each for each in networks if each is not None)
        return replace(member, endpoint=replace(endpoint, addresses=known))


def merge(found: dict[tuple[object, ...], Need], need: Need) -> None:
    """Adds a need to those that are known; of one that is, only the number of flows."""
    key = (need.source.words, need.target.words, need.ports)
    known = found.get(key)
    if known is None:
        found[key] = need
    else:
        by = tuple(dict.fromkeys((*known.by, *need.by)))
        moments = [each for each in (known.last, need.last) if each is not None]
        last = max(moments, default=None)
        found[key] = replace(known, count=known.count + need.count, by=by, last=last)


def by_namespace(needs: Iterable[Need]) -> Mapping[str, list[Need]]:
    """The needs of each Namespace that has any, at either end."""
    found: dict[str, list[Need]] = {}
    for need in needs:
        for name in need.namespaces:
            found.setdefault(name, []).append(need)
    return found


def as_network(address: str) -> IpNetwork | None:
    """An address as a network of its own; None: it is none."""
    return parse_cidr(f"{address}/{128 if ':' in address else 32}")


def is_private(endpoint: Endpoint) -> bool:
    """It is known to be of a home or office network."""
    networks = getattr(endpoint, "addresses", None) or getattr(endpoint, "network", None)
    if networks is None:
        return False
    listed = networks if isinstance(networks, tuple) else (networks,)
    return all(_is_private(each) for each in listed)


def _is_private(network: IpNetwork) -> bool:
    return FlowEnd(ip=str(network.network_address)).is_private


def _is_reply(flow: Flow) -> bool:
    if flow.is_reply is not None:
        return flow.is_reply
    # Where Hubble does not say, a packet to a client's own port is most likely an answer.
    is_late = flow.port is not None and flow.port >= _FIRST_EPHEMERAL
    return is_late and flow.protocol in ("TCP", "UDP")


def _counted(number: int) -> str:
    return f"{number:,} flow{'s were' if number != 1 else ' was'}"
