"""Whether the policies of one end of a connection allow it. Pure.

A connection passes when the sender's policies allow its egress and the receiver's its ingress; each
direction has a verdict of its own. Cilium's rules: what is allowed adds up; a direction for which
some policy of the pod switches on default deny denies the rest; a deny rule wins over every rule of
its tier that allows, and the first tier over the others (precedence.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple, Protocol

from homelab_netpol.cilium.evaluation.answer import Answer, Doubt, all_of
from homelab_netpol.cilium.evaluation.endpoint import Endpoint, Entity, Pod
from homelab_netpol.cilium.evaluation.policy import (
    ContainerPorts,
    Direction,
    PolicyRef,
    PortSpan,
    ReadPolicy,
    Rule,
    RulePlace,
)
from homelab_netpol.cilium.evaluation.precedence import Decision, Doubtful, Doubts, Hit, decide


class OfPolicy(Protocol):
    """A rule, with its policy."""

    @property
    def ref(self) -> PolicyRef:
        """The policy."""

    @property
    def rule(self) -> Rule:
        """The rule."""


class Outcome(Enum):
    """What the policies of one end decide."""

    ALLOWED = "allowed"
    DENIED = "denied"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class DirectionVerdict:
    """What the policies of one end say to a connection.

    Attributes:
        outcome: whether it passes.
        policies: those that decide, by kind, namespace and name. Allowed: whose rules allow it
            (none: nothing denies it); denied: whose deny rules hit it, else which of them close the
            direction; unknown: whose rules are in doubt.
        by_deny_rule: denied by deny rules, against which no rule helps that a policy of the middle
            tier, so any of Cilium's own kinds, may add.
        filtered: allowed, but each rule that allows it looks at the requests as well (HTTP, DNS).
        doubts: why it is unknown.
        requests: if filtered, what passes, in words: `HTTP GET /metrics`, `DNS *.example.org`.
        deciding: the rules of these policies, those first that decide by themselves; see `rules`.
        closing: those of them that only close the direction.
    """

    outcome: Outcome
    policies: tuple[PolicyRef, ...] = ()
    by_deny_rule: bool = False
    filtered: bool = False
    doubts: frozenset[Doubt] = frozenset()
    requests: tuple[str, ...] = ()
    # Not compared: made for each of very many verdicts, and looked at in few.
    deciding: tuple[OfPolicy, ...] = field(default=(), compare=False, repr=False)
    closing: tuple[OfPolicy, ...] = field(default=(), compare=False, repr=False)

    @property
    def rules(self) -> tuple[RulePlace, ...]:
        """The rules that decide, by their places in the policies, in order.

        What closes a direction does so with all its rules: then the place is their list's, such as
        `spec.ingress`.
        """
        places = {RulePlace(one.ref, one.rule.place) for one in self.deciding}
        places |= {RulePlace(one.ref, _list_of(one.rule.place)) for one in self.closing}
        return tuple(sorted(places))


class Selected(NamedTuple):
    """A rule whose subject a pod is, or may be."""

    ref: PolicyRef
    rule: Rule
    certainty: Answer


class Question(NamedTuple):
    """A connection without its peer, and the rules of a pod that can decide it.

    Attributes:
        port: the destination port, from 1; of ICMP the type.
        protocol: TCP, UDP or SCTP; ICMP or ICMPv6.
        rules: each with whether it is about this pod and this port.
        container_ports: of the pod, if it is the one that is called.
    """

    port: int
    protocol: str
    rules: tuple[tuple[Selected, Answer], ...]
    container_ports: ContainerPorts = None


def ingress_verdict(
    policies: Iterable[ReadPolicy], target: Pod, peer: Endpoint, port: int, protocol: str = "TCP"
) -> DirectionVerdict:
    """Whether the target's policies let the peer in.

    An answer other than unknown holds for every pod that fits what is said of the two.

    Args:
        policies: those that may select the target; others do no harm.
        target: the pod that is called.
        peer: the other end, which opens the connection.
        port: on which port, from 1; of ICMP the type.
        protocol: TCP, UDP or SCTP; ICMP or ICMPv6.
    """
    rules = selected(policies, target, Direction.INGRESS)
    return judge(ask_about(rules, port, protocol, target.ports), peer)


def egress_verdict(
    policies: Iterable[ReadPolicy], source: Pod, peer: Endpoint, port: int, protocol: str = "TCP"
) -> DirectionVerdict:
    """Whether the source's policies let it reach the peer; see `ingress_verdict`."""
    return judge(ask_about(selected(policies, source, Direction.EGRESS), port, protocol), peer)


def selected(
    policies: Iterable[ReadPolicy], pod: Pod, direction: Direction
) -> tuple[Selected, ...]:
    """The rules that decide for a pod in a direction, whatever the peer."""
    found: list[Selected] = []
    for policy in policies:
        for rule in policy.rules:
            if rule.direction is direction:
                certainty = rule.subject.matches(pod)
                if certainty is not False:
                    found.append(Selected(policy.ref, rule, certainty))
    return tuple(found)


def ask_about(
    rules: Iterable[Selected], port: int, protocol: str, container_ports: ContainerPorts = None
) -> Question:
    """Prepares what no peer changes, of the rules for one pod in one direction.

    Args:
        rules: those of the pod.
        port: the destination port.
        protocol: its protocol.
        container_ports: of the pod, if it is the one that is called; None: not known.
    """
    answers = (
        (one, all_of((one.certainty, one.rule.covers(port, protocol, container_ports))))
        for one in rules
    )
    deciding = tuple(
        (one, answer) for one, answer in answers if answer is not False or one.rule.default_deny
    )
    return Question(port, protocol, deciding, container_ports)


def judge(
    question: Question, peer: Endpoint, met: dict[int, Answer] | None = None
) -> DirectionVerdict:
    """Joins what the rules say of a peer.

    Args:
        question: the connection, but for its peer.
        peer: its other end.
        met: which rules are about this peer, by their id. For several questions about one peer,
            pass the same dictionary, empty at first.
    """
    met = {} if met is None else met
    closing: list[Selected] = []  # they switch on default deny
    maybe_closing: Doubts = []
    authenticated: Doubts = []
    hits: list[Hit] = []
    for one, about in question.rules:
        ref, rule, certainty = one
        if rule.default_deny:
            if certainty is True:
                closing.append(one)
            elif isinstance(certainty, Doubt):
                maybe_closing.append(Doubtful(ref, rule, certainty))
        if about is not True:
            if about is Doubt.NAMED_PORT:
                about = _about_port_of(peer, question, one)
            if about is False:
                continue
        if id(rule) not in met:
            met[id(rule)] = rule.meets(peer)
        # Most often the port is certain; judge is what an inspection does most.
        answer = met[id(rule)] if about is True else all_of((met[id(rule)], about))
        if answer is not False:
            hits.append(Hit(ref, rule, answer))
            if rule.authenticated:
                authenticated.append(Doubtful(ref, rule, Doubt.AUTHENTICATION))

    rules = decide(hits)
    # What no rule decides is left to the default, which never keeps a node from its own pods.
    is_open_to_all = rules.falls_through and _is_own_node(question, peer)
    is_closed = bool(closing) and not is_open_to_all
    may_be_closed = rules.falls_through and not is_open_to_all and bool(closing or maybe_closing)
    is_let_in = bool(rules.allowing) or (rules.falls_through and not may_be_closed)
    may_be_let_in = is_let_in or bool(rules.maybe_allow)
    if not may_be_let_in and (is_closed or not rules.falls_through):
        return _denied(rules.denying, rules.denying_last, closing)
    doubts = [*rules.maybe_deny, *rules.maybe_pass, *authenticated]
    if not is_let_in:
        doubts += [*maybe_closing, *rules.maybe_allow]
    if rules.denies or doubts:
        return DirectionVerdict(
            Outcome.UNKNOWN,
            _in_order(one.ref for one in doubts),
            doubts=frozenset(one.doubt for one in doubts),
            deciding=tuple(doubts),
        )
    return _allowed(question, peer, rules)


def _denied(
    denying: Sequence[Hit], denying_last: Sequence[Hit], closing: Sequence[Selected]
) -> DirectionVerdict:
    if denying:
        refs = _in_order(hit.ref for hit in denying)
        return DirectionVerdict(Outcome.DENIED, refs, by_deny_rule=True, deciding=tuple(denying))
    refs = _in_order([*(hit.ref for hit in denying_last), *(one.ref for one in closing)])
    return DirectionVerdict(
        Outcome.DENIED, refs, deciding=tuple(denying_last), closing=tuple(closing)
    )


def _allowed(question: Question, peer: Endpoint, decision: Decision) -> DirectionVerdict:
    allowing = decision.allowing
    filtering: list[PortSpan] = []
    # A rule that only may allow it may let pass what the others do not.
    maybe = [one.rule for one in decision.maybe_allow] if allowing else []
    for rule in [*(hit.rule for hit in allowing), *maybe]:
        container_ports = _container_ports(peer, question, rule)
        found = rule.filtering_ports(question.port, question.protocol, container_ports)
        if not found:
            filtering = []
            break
        filtering += found
    requests = dict.fromkeys(each for span in filtering for each in span.requests)
    return DirectionVerdict(
        Outcome.ALLOWED,
        _in_order([one.ref for one in allowing]),
        filtered=bool(filtering),
        requests=tuple(requests),
        deciding=tuple(allowing),
    )


def _is_own_node(question: Question, peer: Endpoint) -> bool:
    # Cilium lets a node reach its own pods, unless a rule denies it.
    return (
        isinstance(peer, Entity)
        and peer.is_own_node
        and any(one.rule.direction is Direction.INGRESS for one, _ in question.rules)
    )


def _about_port_of(peer: Endpoint, question: Question, one: Selected) -> Answer:
    """Whether a rule with the name of a port is about this one, where the peer is called."""
    container_ports = _container_ports(peer, question, one.rule)
    answer = one.rule.covers(question.port, question.protocol, container_ports)
    return all_of((one.certainty, answer))


def _container_ports(peer: Endpoint, question: Question, rule: Rule) -> ContainerPorts:
    if rule.direction is Direction.INGRESS:
        return question.container_ports
    return peer.ports if isinstance(peer, Pod) else None


def _list_of(place: str) -> str:
    return place.rpartition("[")[0] if place.endswith("]") else place


def _in_order(refs: Iterable[PolicyRef]) -> tuple[PolicyRef, ...]:
    return tuple(sorted(set(refs)))
