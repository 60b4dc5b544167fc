"""Connections that show what a word opens beside what is needed. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.ends import End, EndError, Member, Ports
from homelab_netpol.access.ends_find import EndFinder
from homelab_netpol.access.ends_known import GATEWAY_WORDS, INTERNET, LAN
from homelab_netpol.access.reach import Peers, any_other_namespace, own_members, usual_peers
from homelab_netpol.cilium.evaluation import Direction
from homelab_netpol.recommendation.frame import Probe
from homelab_netpol.recommendation.needs import Need

# A port that nobody asks for: rules that open it open every port.
_ANY = Ports.one(4242)
_HTTPS = Ports.one(443)
_MOST_PORTS = 8
_MOST_PARTS = 2
_MOST_CALLED = 12


@dataclass
class Probes:
    """Makes them for one Namespace after the other.

    Attributes:
        frame: the cluster.
        finder: of its ends.
    """

    frame: ClusterModel
    finder: EndFinder
    _usual: Peers = field(init=False)
    _by_port: set[str] = field(init=False)

    def __post_init__(self) -> None:
        self._usual = usual_peers(self.finder)
        # Those for whom annotations list ports.
        gateways = (f"the {each} gateway" for each in GATEWAY_WORDS)
        self._by_port = {INTERNET, LAN, *gateways}

    def of(self, namespace: str, needs: Sequence[Need]) -> list[Probe]:
        """The probes of a Namespace: its pods, and those that labels are about.

        Args:
            namespace: whose.
            needs: what it needs, which is no probe.
        """
        try:
            # What a label opens, it opens for all of them.
            own, *others = own_members(self.frame, self.finder, namespace)
        except EndError:
            return []
        needed = {(need.source.words, need.target.words, need.ports) for need in needs}
        itself = End(namespace, tuple(others))
        found = []
        for direction, usual in self._usual.items():
            used = _ports_of(namespace, needs, direction)
            for end in (*usual, itself, any_other_namespace()):
                ports = used if end.words in self._by_port else [*end.ports[:2], _ANY]
                for part in end.members[:_MOST_PARTS]:
                    pair = (own, part) if direction is Direction.EGRESS else (part, own)
                    words = (pair[0].words, pair[1].words)
                    found += [
                        Probe(direction, own, part, each)
                        for each in ports
                        if (*words, each) not in needed
                    ]
        return [*found, *_crossed(own, needs)]


def _crossed(own: Member, needs: Sequence[Need]) -> Iterator[Probe]:
    """Who is called on some ports, on those of the others."""
    called: dict[str, tuple[Member, set[Ports]]] = {}
    for need in needs:
        if need.source.words == own.words:
            called.setdefault(need.target.words, (need.target, set()))[1].add(need.ports)
    everything = dict.fromkeys(each for _, ports in called.values() for each in sorted(ports))
    for target, ports in list(called.values())[:_MOST_CALLED]:
        for each in list(everything)[:_MOST_PORTS]:
            if each not in ports:
                yield Probe(Direction.EGRESS, own, target, each)


def _ports_of(namespace: str, needs: Sequence[Need], direction: Direction) -> list[Ports]:
    """The ports that the Namespace's pods use in a direction, and some that they do not."""
    used: dict[Ports, None] = {}
    for need in needs:
        own = need.source if direction is Direction.EGRESS else need.target
        if own.pod is not None and own.pod.namespace == namespace:
            used[Ports.one(need.ports.first, need.ports.protocol)] = None
    return list(dict.fromkeys((*list(used)[:_MOST_PORTS], _HTTPS, _ANY)))
