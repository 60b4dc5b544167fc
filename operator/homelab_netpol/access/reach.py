"""All that the pods of a Namespace may reach, and all that may reach them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.ends import EVERY_PORT, End, EndError, Member, Ports
from homelab_netpol.access.ends_find import EndFinder
from homelab_netpol.access.ends_known import GATEWAY_WORDS
from homelab_netpol.access.explain_judge import Case, Judge
from homelab_netpol.cilium.evaluation import (
    Direction,
    Doubt,
    Endpoint,
    Entity,
    Name,
    Network,
    Outcome,
    Pod,
)
from homelab_netpol.cilium.evaluation.matchers import Cidr, DnsNames
from homelab_netpol.cilium.terms import LAST_PORT, TRANSPORT_PROTOCOLS
from homelab_netpol.policy.catalogue import KUBE_API

_WORLD = Entity("world")
_OF_SINGLE_ADDRESSES = {Doubt.ADDRESS, Doubt.PART}
ANY_OTHER = "any other Namespace"
_OWN_PODS = "its own pods"
_NODE_WORDS = {"host": "the own node", "remote-node": "other nodes"}


@dataclass(frozen=True, slots=True)
class Way:
    """Connections in one direction that pass at both ends, or may.

    Attributes:
        direction: out of the Namespace's pods, or into them.
        own: whose connections.
        peer: the other end.
        part: of that end which.
        cases: those that are not denied for certain, by ports.
    """

    direction: Direction
    own: Member
    peer: End
    part: Member
    cases: tuple[Case, ...]

    def ports(self, outcome: Outcome = Outcome.ALLOWED) -> tuple[Ports, ...]:
        """On which ports."""
        return joined(case.ports for case in self.cases if case.outcome is outcome)


Peers = Mapping[Direction, Sequence[End]]


def ways(judge: Judge, own: Sequence[Member], peers: Peers) -> list[Way]:
    """Every way between pods and peers that is open, or may be."""
    judge.consider(
        each.pod.namespace
        for members in (own, *(end.members for ends in peers.values() for end in ends))
        for each in members
        if each.pod is not None
    )
    found: list[Way] = []
    for direction, ends in peers.items():
        for peer in ends:
            for member in own:
                for part in peer.members:
                    if part.words == member.words and len(own) > 1:
                        continue  # of several workloads it is the others that matter
                    way = _way(judge, direction, member, peer, part)
                    if way.cases:
                        found.append(way)
    return _without_repeats(found)


def _without_repeats(found: Sequence[Way]) -> list[Way]:
    """Leaves out what only says again what a better known end has: the internet, a resource."""
    known = [way for way in found if not way.peer.beside]
    return [
        way
        for way in found
        if not way.peer.beside
        or way.ports(Outcome.UNKNOWN)
        or beyond(way.ports(), _ports_of_same(way, known))
    ]


def _ports_of_same(way: Way, known: Sequence[Way]) -> list[Ports]:
    """The ports of better known ways to the same end."""
    is_pod = isinstance(way.part.endpoint, Pod)
    return [
        ports
        for each in known
        if (each.direction, each.own.words) == (way.direction, way.own.words)
        and (each.part.endpoint == (way.part.endpoint if is_pod else _WORLD))
        for ports in each.ports()
    ]


def _way(judge: Judge, direction: Direction, own: Member, peer: End, part: Member) -> Way:
    pair = (own, part) if direction is Direction.EGRESS else (part, own)
    cases = (case for ports in EVERY_PORT for case in judge.cases(*pair, ports))
    return Way(
        direction,
        own,
        peer,
        part,
        tuple(case for case in cases if not _is_closed(case, part)),
    )


def _is_closed(case: Case, part: Member) -> bool:
    """It is denied; or only a rule on single addresses may allow it, which has its own row."""
    if case.outcome is not Outcome.UNKNOWN:
        return case.outcome is Outcome.DENIED
    if not isinstance(part.endpoint, Network) and part.endpoint != _WORLD:
        return False
    doubts = {doubt for half in case.halves for doubt in half.verdict.doubts}
    return doubts <= _OF_SINGLE_ADDRESSES


def usual_peers(finder: EndFinder) -> Peers:
    """Whom labels are about: the internet, gateways, shared resources and so on."""
    known = finder.known
    both: list[Callable[[], End]] = [
        known.internet,
        known.lan,
        *(partial(known.gateway, which) for which in GATEWAY_WORDS),
    ]
    rest: list[Callable[[], End]] = [
        partial(known.entity, "kube-apiserver"),
        *(partial(_node, finder, entity) for entity in _NODE_WORDS),
    ]
    names = [name for name in finder.resources if name != KUBE_API]
    resources = [partial(known.resource, name) for name in names]
    makers: dict[Direction, list[Callable[[], End]]] = {
        Direction.INGRESS: [*both, known.prometheus, known.probes, *rest],
        Direction.EGRESS: [*both, known.dns, *resources, *rest],
    }
    return {
        direction: [end for make in of_it for end in _tried(make)]
        for direction, of_it in makers.items()
    }


def any_other_namespace() -> End:
    """Pods of a Namespace that no rule names."""
    return End(ANY_OTHER, (Member(ANY_OTHER, Pod("", {}, {}), any_pod=True),))


def peers_of(judge: Judge, finder: EndFinder, namespace: str, own: Sequence[Member]) -> Peers:
    """All that may be the other end of a Namespace's connections, by what is given."""
    model = judge.model
    itself = replace(finder.find(f"namespace/{namespace}"), words=_OWN_PODS)
    names = [each for each in sorted(model.workloads) if each != namespace]
    others = [replace(finder.find(f"namespace/{each}"), beside=True) for each in names]
    found: dict[Direction, list[End]] = {}
    for direction, usual in usual_peers(finder).items():
        known = {each for end in usual for part in end.members for each in _texts(part)}
        new = [each for each in _named_by_rules(judge, own, direction) if each.words not in known]
        found[direction] = [*usual, *new, itself, *others, any_other_namespace()]
    return found


def _named_by_rules(judge: Judge, own: Sequence[Member], direction: Direction) -> list[End]:
    """Networks and DNS names that rules of these pods name."""
    rules = [
        one.rule
        for member in own
        if member.pod is not None
        for one in judge.rules_of(member.pod, direction)
    ]
    found: dict[str, End] = {}
    for matcher in (each for rule in rules if rule.allows for each in rule.peers):
        if isinstance(matcher, Cidr) and matcher.network.prefixlen:
            words = str(matcher.network)
            found[words] = _by_rule(words, Network(matcher.network))
        elif isinstance(matcher, DnsNames):
            for name in matcher.names:
                found[name] = _by_rule(name, Name(name.replace("*", "example")))
    return list(found.values())


def _by_rule(words: str, endpoint: Endpoint) -> End:
    return End(words, (Member(words, endpoint),), beside=True)


def _node(finder: EndFinder, entity: str) -> End:
    words, [member] = _NODE_WORDS[entity], finder.known.entity(entity).members
    return End(words, (replace(member, words=words),))


def _texts(part: Member) -> tuple[str, ...]:
    """By which a rule may name it: the words of a network are the network."""
    endpoint = part.endpoint
    return (part.words, str(endpoint.network) if isinstance(endpoint, Network) else "")


def _tried(make: Callable[[], End]) -> list[End]:
    """An end, if there is one."""
    try:
        return [make()]
    except EndError:
        return []


def joined(ports: Iterable[Ports]) -> tuple[Ports, ...]:
    """The same ports, with those joined that follow each other."""
    found: list[Ports] = []
    for each in sorted(ports):
        last = found[-1] if found else None
        if last and last.protocol == each.protocol and each.first <= last.last + 1:
            found[-1] = Ports(last.protocol, last.first, max(last.last, each.last))
        else:
            found.append(each)
    return tuple(found)


def beyond(after: Iterable[Ports], before: Iterable[Ports]) -> tuple[Ports, ...]:
    """The ports of the first that are none of the second."""
    left = list(after)
    for taken in before:
        left = [
            part
            for each in left
            for part in (_parts(each, taken) if each.protocol == taken.protocol else [each])
        ]
    return joined(left)


def _parts(ports: Ports, taken: Ports) -> list[Ports]:
    if taken.last < ports.first or ports.last < taken.first:
        return [ports]
    below = Ports(ports.protocol, ports.first, taken.first - 1)
    above = Ports(ports.protocol, taken.last + 1, ports.last)
    return [each for each in (below, above) if each.first <= each.last]


def ports_in_words(ports: Sequence[Ports]) -> str:
    """Ports in words, `every port` if that is all of every protocol."""
    whole = {each.protocol for each in ports if (each.first, each.last) == (1, LAST_PORT)}
    if whole == set(TRANSPORT_PROTOCOLS):
        return "every port"
    order = {protocol: place for place, protocol in enumerate(TRANSPORT_PROTOCOLS)}
    by_number = sorted(ports, key=lambda each: (each.first, order[each.protocol]))
    return ", ".join(map(str, by_number))


def own_members(model: ClusterModel, finder: EndFinder, namespace: str) -> tuple[Member, ...]:
    """The pods of a Namespace that have policies.

    Raises:
        EndError: there is no such Namespace, or all of its pods are on their nodes' network.
    """
    if namespace not in model.namespaces:
        raise EndError(f"{namespace}: no such Namespace is given")
    end = finder.find(f"namespace/{namespace}")
    found = tuple(each for each in end.members if each.pod is not None)
    if not found:
        raise EndError(
            f"{namespace}: all of its pods are on their nodes' network, where no policy of pods"
            " holds"
        )
    return found
