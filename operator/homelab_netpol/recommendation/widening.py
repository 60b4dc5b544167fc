"""What labels allow beyond what is needed, in the words of access. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.ends import End, EndError, Member, Ports
from homelab_netpol.access.ends_find import EndFinder
from homelab_netpol.access.explain_judge import Case, Judge
from homelab_netpol.access.fixes import moved, moved_member
from homelab_netpol.access.reach import (
    Peers,
    Way,
    any_other_namespace,
    beyond,
    joined,
    own_members,
    usual_peers,
    ways,
)
from homelab_netpol.cilium.evaluation import Direction, Outcome, Pod
from homelab_netpol.policy.catalogue import KUBE_API
from homelab_netpol.recommendation.narrowing import comparable
from homelab_netpol.recommendation.needs import Need, by_namespace
from homelab_netpol.recommendation.plan import Plan

_OWN_PODS = "its own pods"


@dataclass(frozen=True, slots=True)
class Opening:
    """What is open beyond what is needed, to one other end or several.

    Attributes:
        direction: out of the Namespace, or into it.
        peers: the other ends.
        ports: on which ports, for some pod at least.
        pods: for how many pods of the Namespace.
        of: how many it has.
    """

    direction: Direction
    peers: tuple[str, ...]
    ports: tuple[Ports, ...]
    pods: int
    of: int


@dataclass(frozen=True, slots=True)
class Wider:
    """What a Namespace may do beyond what is needed.

    Attributes:
        namespace: its name.
        openings: by whom it reaches, or is reached by.
        ways: how many connections: each pair of ends, on each run of ports.
        new: of them those that the policies of today do not let pass.
    """

    namespace: str
    openings: tuple[Opening, ...] = ()
    ways: int = 0
    new: int = 0


_Needed = dict[tuple[Direction, str, str], tuple[Ports, ...]]


class Widening:
    """Finds it for one Namespace after the other."""

    def __init__(self, plan: Plan) -> None:
        self._after = _Side(plan.after)
        self._frame = _Side(plan.frame)
        self._today = _Side(plan.today)
        self._finder = EndFinder(plan.after)
        self._usual = usual_peers(self._finder)
        self._words: Mapping[object, str] = {
            comparable(part.endpoint): part.words
            for ends in self._usual.values()
            for end in ends
            for part in end.members
        }
        # A resource that is not granted is one of very many, and closed.
        self._resources = {
            end.words: name for name in self._finder.resources for end in self._resource(name)
        }
        # Of a resource of which no pods are given, any pod there stands for all.
        self._any = [
            (part.endpoint, part.words)
            for end in self._usual[Direction.EGRESS]
            for part in end.members
            if isinstance(part.endpoint, Pod) and not part.endpoint.complete
        ]
        self._needs = by_namespace(plan.needs)

    def of(self, namespace: str) -> Wider:
        """What a Namespace may do beyond what is needed, and beyond what every one may."""
        try:
            own = own_members(self._after.model, self._finder, namespace)
        except EndError:
            return Wider(namespace)
        needs = self._needs.get(namespace, [])
        peers = self._peers(namespace, own, needs)
        needed = self._needed(namespace, needs)
        found = [
            (
                way,
                _beyond(way.cases, needed.get((way.direction, way.own.words, way.part.words), ())),
            )
            for way in self._after.ways(own, peers)
        ]
        left = [_left(way, cases, self._frame) for way, cases in found if cases]
        left = [each for each in left if each.cases]
        new = [_left(way, way.cases, self._today) for way in left]
        new = [each for each in new if each.cases]
        return Wider(
            namespace,
            _openings(left, len(own)),
            _count(left),
            _count(new),
        )

    def _peers(self, namespace: str, own: Sequence[Member], needs: Sequence[Need]) -> Peers:
        """Whom labels are about, and who is the other end of some need."""
        intent = self._after.model.desired.intents[namespace]
        granted = {*intent.granted, KUBE_API}
        found: dict[Direction, list[End]] = {}
        for direction, usual in self._usual.items():
            others: dict[str, End] = {}
            for need in needs:
                peer = need.target if direction is Direction.EGRESS else need.source
                if isinstance(peer.endpoint, Pod) and peer.endpoint.namespace == namespace:
                    continue
                if self._usual_words(peer) is None:
                    others[peer.words] = End(peer.words, (peer,), beside=True)
            itself = End(_OWN_PODS, tuple(own))
            known = [
                end
                for end in usual
                if end.namespaces != (namespace,)
                and self._resources.get(end.words, KUBE_API) in granted
            ]
            found[direction] = [*known, *others.values(), itself, any_other_namespace()]
        return found

    def _resource(self, name: str) -> list[End]:
        try:
            return [self._finder.known.resource(name)]
        except EndError:
            return []

    def _usual_words(self, peer: Member) -> str | None:
        """By which it is known as one of those that labels are about; None: it is none."""
        words = self._words.get(comparable(peer.endpoint))
        endpoint = peer.endpoint
        if words is not None or not isinstance(endpoint, Pod):
            return words
        return next(
            (
                words
                for pod, words in self._any
                if pod.namespace == endpoint.namespace
                and pod.labels.items() <= endpoint.labels.items()
            ),
            None,
        )

    def _needed(self, namespace: str, needs: Sequence[Need]) -> _Needed:
        found: defaultdict[tuple[Direction, str, str], list[Ports]] = defaultdict(list)
        for need in needs:
            for direction, own, peer in (
                (Direction.EGRESS, need.source, need.target),
                (Direction.INGRESS, need.target, need.source),
            ):
                if own.pod is not None and own.pod.namespace == namespace:
                    words = self._usual_words(peer) or peer.words
                    found[direction, own.words, words].append(need.ports)
        return {key: tuple(ports) for key, ports in found.items()}


@dataclass
class _Side:
    """One model, with what is known of it."""

    model: ClusterModel
    _judge: Judge = field(init=False)

    def __post_init__(self) -> None:
        self._judge = Judge(self.model)

    def ways(self, own: Sequence[Member], peers: Peers) -> list[Way]:
        """The open ways, between the same ends as in any other model."""
        here = [moved_member(each, self.model) for each in own]
        there = {
            direction: [moved(end, self.model) for end in ends] for direction, ends in peers.items()
        }
        return ways(self._judge, here, there)

    def open_ports(self, way: Way, ports: Ports) -> list[Ports]:
        """On which of some ports a way is open here, or may be."""
        own, peer = moved_member(way.own, self.model), moved_member(way.part, self.model)
        names = (each.pod.namespace for each in (own, peer) if each.pod is not None)
        self._judge.consider(names)
        pair = (own, peer) if way.direction is Direction.EGRESS else (peer, own)
        cases = self._judge.cases(*pair, ports)
        return [each.ports for each in cases if each.outcome is not Outcome.DENIED]


def _key(way: Way) -> tuple[Direction, str, str]:
    return way.direction, way.own.words, way.part.words


def _beyond(cases: Iterable[Case], known: Sequence[Ports]) -> list[Case]:
    return [replace(case, ports=ports) for case in cases for ports in beyond((case.ports,), known)]


def _left(way: Way, cases: Iterable[Case], side: _Side) -> Way:
    """The way without what is open on another side as well."""
    rest = (each for case in cases for each in _beyond([case], side.open_ports(way, case.ports)))
    return replace(way, cases=tuple(rest))


def _openings(found: Sequence[Way], of: int) -> tuple[Opening, ...]:
    by_peer: defaultdict[tuple[Direction, str], list[Way]] = defaultdict(list)
    for way in found:
        by_peer[way.direction, way.peer.words].append(way)
    alike: defaultdict[tuple[Direction, tuple[Ports, ...], int], list[str]] = defaultdict(list)
    for (direction, peer), same in by_peer.items():
        ports = joined(each for way in same for each in (*way.ports(), *way.ports(Outcome.UNKNOWN)))
        pods = len({way.own.words for way in same})
        alike[direction, ports, pods].append(peer)
    return tuple(
        Opening(direction, tuple(peers), ports, pods, of)
        for (direction, ports, pods), peers in alike.items()
    )


def _count(found: Iterable[Way]) -> int:
    return sum(len(way.ports()) or 1 for way in found)
