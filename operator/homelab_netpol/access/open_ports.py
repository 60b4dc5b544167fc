"""On which ports the policies of one end let another end through: all of them at once. Pure.

What the rules say of a peer is told apart by what they say, not by where they stand: the pods of
five hundred Namespaces with the same profile are judged once.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.ends import Ports
from homelab_netpol.cilium.evaluation import (
    Direction,
    Doubt,
    Endpoint,
    Entity,
    Network,
    Outcome,
    Pod,
    PolicyRef,
)
from homelab_netpol.cilium.evaluation.answer import Answer
from homelab_netpol.cilium.evaluation.policy import Rule
from homelab_netpol.cilium.evaluation.turning_ports import turning_ports
from homelab_netpol.cilium.evaluation.verdict import Selected, ask_about, judge, selected
from homelab_netpol.cilium.terms import LAST_PORT, TRANSPORT_PROTOCOLS

_OF_SINGLE_ADDRESSES = frozenset({Doubt.ADDRESS, Doubt.PART})
_WORLD = Entity("world")


@dataclass(frozen=True, slots=True)
class Run:
    """Ports on which the same rules decide in the same way.

    Attributes:
        ports: these.
        outcome: allowed or unknown; what is denied has no run.
        policies: whose rules decide; none: nothing denies it.
    """

    ports: Ports
    outcome: Outcome
    policies: tuple[PolicyRef, ...] = ()


class _Known(NamedTuple):
    """A run, with its policies by their place among the rules."""

    ports: Ports
    outcome: Outcome
    rules: tuple[int, ...]


class OpenPorts:
    """Answers for one cluster, and keeps what it has found."""

    def __init__(self, model: ClusterModel) -> None:
        self._model = model
        self._rules: dict[tuple[int, Direction], tuple[Selected, ...]] = {}
        self._shapes: dict[int, int] = {}
        self._numbers: dict[Hashable, int] = {}
        self._runs: dict[Hashable, tuple[_Known, ...]] = {}
        self._kept: list[object] = []  # so that no id is given twice

    def rules(self, pod: Pod, direction: Direction) -> tuple[Selected, ...]:
        """The rules that decide for a pod in a direction."""
        key = (id(pod), direction)
        if key not in self._rules:
            self._kept.append(pod)
            self._rules[key] = selected(self._model.policies(pod.namespace), pod, direction)
        return self._rules[key]

    def is_closed(self, pod: Pod, direction: Direction) -> bool:
        """Whether the direction is denied by default, as some policy certainly says."""
        return any(
            one.certainty is True and one.rule.default_deny for one in self.rules(pod, direction)
        )

    def of(self, pod: Pod, direction: Direction, endpoints: Sequence[Endpoint]) -> tuple[Run, ...]:
        """The ports on which a pod's policies let another end through, or may.

        Args:
            pod: whose policies.
            direction: egress: it calls the other end; ingress: it is called.
            endpoints: by which the other end may be known: each is asked where those before it
                leave the answer open.
        """
        first, *rest = (self._of(pod, direction, each) for each in endpoints)
        for other in rest:
            first = _settled(first, other)
        return tuple(first)

    def _of(self, pod: Pod, direction: Direction, peer: Endpoint) -> list[Run]:
        rules: list[Selected] = []
        met: dict[int, Answer] = {}
        telling: list[Hashable] = []
        closed: Answer = False
        for one in self.rules(pod, direction):
            if one.rule.default_deny and closed is not True:
                closed = one.certainty if closed is False or one.certainty is True else closed
            answer = one.rule.meets(peer)
            if answer is not False:
                rules.append(one)
                met[id(one.rule)] = answer
                telling.append((self._shape(one.rule), one.certainty, answer))
        called = pod if direction is Direction.INGRESS else peer
        named = called.ports if isinstance(called, Pod) and _names_ports(rules) else None
        own_node = isinstance(peer, Entity) and peer.is_own_node
        key = (direction, tuple(telling), closed, named, own_node, _is_address(peer))
        if key not in self._runs:
            closing = [
                one
                for one in self.rules(pod, direction)
                if one.rule.default_deny and id(one.rule) not in met
            ]
            met |= {id(one.rule): False for one in closing}
            self._runs[key] = tuple(_judged(pod, direction, peer, rules, closing, met))
        return [
            Run(
                each.ports,
                each.outcome,
                tuple(sorted({rules[place].ref for place in each.rules})),
            )
            for each in self._runs[key]
        ]

    def _shape(self, rule: Rule) -> int:
        """A number that is the same for rules that differ in their ends only."""
        known = self._shapes.get(id(rule))
        if known is None:
            self._kept.append(rule)
            shape = (
                rule.ports,
                rule.deny,
                rule.passes,
                rule.tier,
                rule.priority,
                rule.authenticated,
            )
            known = self._shapes[id(rule)] = self._numbers.setdefault(shape, len(self._numbers))
        return known


def _names_ports(rules: Sequence[Selected]) -> bool:
    return any(span.doubt is Doubt.NAMED_PORT for one in rules for span in one.rule.ports or ())


def _is_address(peer: Endpoint) -> bool:
    return isinstance(peer, Network) or peer == _WORLD


def _judged(
    pod: Pod,
    direction: Direction,
    peer: Endpoint,
    rules: Sequence[Selected],
    closing: Sequence[Selected],
    met: dict[int, Answer],
) -> list[_Known]:
    """The runs of all protocols that have ports; without those that are denied."""
    places = {id(one.rule): place for place, one in enumerate(rules)}
    turns = set(turning_ports(one.rule for one in rules))
    called = pod if direction is Direction.INGRESS else peer
    if isinstance(called, Pod) and _names_ports(rules):
        numbers = {each.number for each in called.ports or ()}
        turns |= numbers | {number + 1 for number in numbers}
    firsts = sorted(turn for turn in turns if turn <= LAST_PORT)
    named = pod.ports if direction is Direction.INGRESS else None
    found: list[_Known] = []
    for protocol in TRANSPORT_PROTOCOLS:
        for first, after in zip(firsts, [*firsts[1:], LAST_PORT + 1], strict=True):
            question = ask_about([*rules, *closing], first, protocol, named)
            verdict = judge(question, peer, met)
            if verdict.outcome is Outcome.DENIED or (
                # Only a rule on single addresses may allow it: these are ends of their own.
                verdict.outcome is Outcome.UNKNOWN
                and _is_address(peer)
                and verdict.doubts <= _OF_SINGLE_ADDRESSES
            ):
                continue
            deciding = {places[id(one.rule)] for one in verdict.deciding if id(one.rule) in places}
            run = _Known(
                Ports(protocol, first, after - 1), verdict.outcome, tuple(sorted(deciding))
            )
            last = found[-1] if found else None
            if last is not None and last[1:] == run[1:] and _follows(last.ports, run.ports):
                found[-1] = run._replace(ports=replace(last.ports, last=run.ports.last))
            else:
                found.append(run)
    return found


def _follows(one: Ports, other: Ports) -> bool:
    return one.protocol == other.protocol and one.last + 1 == other.first


def _settled(first: Sequence[Run], other: Sequence[Run]) -> list[Run]:
    """Runs, with what another endpoint says where they are unknown."""
    found = [run for run in first if run.outcome is not Outcome.UNKNOWN]
    for run in first:
        if run.outcome is Outcome.UNKNOWN:
            found += [
                Run(ports, each.outcome, each.policies)
                for each in other
                if (ports := common(run.ports, each.ports)) is not None
            ]
    return sorted(found, key=lambda run: run.ports)


def allowed(runs: Iterable[Run]) -> list[Ports]:
    """The ports that are certainly open."""
    return [run.ports for run in runs if run.outcome is Outcome.ALLOWED]


def common(one: Ports, other: Ports) -> Ports | None:
    """The ports that two ranges share; None: none."""
    if one.protocol != other.protocol:
        return None
    first, last = max(one.first, other.first), min(one.last, other.last)
    return Ports(one.protocol, first, last) if first <= last else None


def both(outward: Sequence[Run], inward: Sequence[Run]) -> list[tuple[Run, Run, Ports, Outcome]]:
    """Where both ends let a connection through: the two runs, the ports, and the outcome."""
    found = []
    for run in outward:
        for other in inward:
            ports = common(run.ports, other.ports)
            if ports is not None:
                outcomes = {run.outcome, other.outcome}
                outcome = Outcome.UNKNOWN if Outcome.UNKNOWN in outcomes else Outcome.ALLOWED
                found.append((run, other, ports, outcome))
    return found
