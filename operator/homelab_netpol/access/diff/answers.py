"""What the rules of one side answer, in one direction: `cilium/evaluation`, asked often. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from homelab_netpol.access.diff.rules import OWN, Labels, SaidRule, may_hold
from homelab_netpol.cilium.evaluation import (
    Direction,
    Endpoint,
    Entity,
    Network,
    Outcome,
    Pod,
)
from homelab_netpol.cilium.evaluation.answer import Answer
from homelab_netpol.cilium.evaluation.matchers import DnsNames
from homelab_netpol.cilium.evaluation.verdict import Selected, ask_about, judge
from homelab_netpol.cilium.selectors import Requirement


class Passes(IntEnum):
    """What becomes of a connection, in order: the later, the more passes."""

    NO = 0
    PERHAPS = 1
    FILTERED = 2
    YES = 3


@dataclass(frozen=True)
class View:
    """One side, as one Namespace sees it.

    Attributes:
        rules: what policies say of it.
        labels: of each Namespace, its own by the name `OWN`.
    """

    rules: Mapping[SaidRule, None]
    labels: Mapping[str, Labels]


class End(NamedTuple):
    """The other end of a connection, and what it is the same as."""

    key: Hashable
    endpoint: Endpoint


class Answers:
    """The rules of one side in one direction, and what they answer."""

    def __init__(self, view: View, direction: Direction) -> None:
        self.said = [each for each in view.rules if each.rule.direction is direction]
        self.view = view
        self._selected: dict[tuple[Hashable, bool], tuple[Selected, ...]] = {}
        self._met: dict[tuple[int, Hashable], tuple[Answer, ...]] = {}
        self._known: dict[tuple[object, ...], Passes] = {}

    def passes(self, pod: Labels, end: End, port: int, protocol: str) -> Passes:
        """What becomes of a connection."""
        peer = end.endpoint
        # Names resolve to a few addresses; what stands for all of a network is none of them.
        rules = self.rules(pod, nameless=isinstance(peer, Network))
        met = self._met.get((id(rules), end.key))
        if met is None:
            seen = self.seen(peer)
            met = tuple(one.rule.meets(seen) for one in rules)
            self._met[id(rules), end.key] = met
        # Which rules are about an end decides, and else only whether it is the pod's own node.
        entity = peer if isinstance(peer, Entity) else None
        key = (id(rules), port, protocol, entity, met)
        if key not in self._known:
            by_rule = {id(one.rule): answer for one, answer in zip(rules, met, strict=True)}
            verdict = judge(ask_about(rules, port, protocol), peer, by_rule)
            self._known[key] = _PASSES[verdict.outcome, verdict.filtered]
        return self._known[key]

    def rules(self, pod: Labels, *, nameless: bool = False) -> tuple[Selected, ...]:
        """The rules that select a pod; `nameless`: as they look to whom no DNS name means."""
        asked = frozenset(pod.items()), nameless
        found = self._selected.get(asked)
        if found is None:
            found = self._selected[asked] = tuple(self._select(pod, nameless=nameless))
        return found

    def closes(self, pod: Labels) -> bool:
        """Some rule certainly denies to a pod what no rule allows."""
        return any(one.rule.default_deny and one.certainty is True for one in self.rules(pod))

    def seen(self, end: Endpoint) -> Endpoint:
        """An end with the labels that its Namespace has on this side."""
        labels = self.view.labels.get(end.namespace) if isinstance(end, Pod) else None
        if not isinstance(end, Pod) or labels is None or labels == end.namespace_labels:
            return end
        return dataclasses.replace(end, namespace_labels=labels)

    def holds(self, requirements: Iterable[Requirement], name: str) -> bool:
        """Whether the labels that a Namespace has on this side meet requirements."""
        labels = self.view.labels.get(name)
        return labels is not None and may_hold(requirements, Pod(name, labels))

    def _select(self, labels: Labels, *, nameless: bool) -> Iterator[Selected]:
        pod = Pod(OWN, self.view.labels.get(OWN), labels)
        for ref, rule in ((each.ref, each.rule) for each in self.said):
            certainty = rule.subject.matches(pod)
            if certainty is False:
                continue
            if nameless and any(isinstance(peer, DnsNames) for peer in rule.peers):
                peers = tuple(peer for peer in rule.peers if not isinstance(peer, DnsNames))
                rule = dataclasses.replace(rule, peers=peers)
            yield Selected(ref, rule, certainty)


_PASSES = {
    (Outcome.DENIED, False): Passes.NO,
    (Outcome.UNKNOWN, False): Passes.PERHAPS,
    (Outcome.ALLOWED, True): Passes.FILTERED,
    (Outcome.ALLOWED, False): Passes.YES,
}


def key_of(end: Endpoint) -> Hashable:
    """What two ends that are the same have in common."""
    if not isinstance(end, Pod):
        return end
    of_namespace = end.namespace_labels or {}
    return end.namespace, frozenset(end.labels.items()), frozenset(of_namespace.items())
