"""Whether policies drop what must flow, all of them together; what they do, in words. Pure.

Only what is certainly dropped counts: where one of several ways is open, or may be, nothing is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from homelab_netpol.cilium.evaluation.answer import Answer
from homelab_netpol.cilium.evaluation.endpoint import Pod
from homelab_netpol.cilium.evaluation.policy import Direction, PolicyRef, ReadPolicy
from homelab_netpol.cilium.evaluation.turning_ports import turning_ports
from homelab_netpol.cilium.evaluation.verdict import (
    DirectionVerdict,
    Outcome,
    Question,
    Selected,
    ask_about,
    judge,
    selected,
)
from homelab_netpol.findings.finding import fit, name_policies
from homelab_netpol.findings.needs import Port, Way


@dataclass(frozen=True, slots=True)
class Cause:
    """Which policies drop something, and how.

    Attributes:
        direction: at which end of the pod.
        policies: the policies.
        by_deny_rule: their deny rules do; else they let pass only what some rule allows.
    """

    direction: Direction
    policies: frozenset[PolicyRef]
    by_deny_rule: bool

    def message(self, head: str, add: str) -> str:
        """A finding's text.

        Args:
            head: what is dropped.
            add: the rule that would let it pass.
        """
        # Those of the namespace first: its owner can change them.
        names = name_policies(sorted(self.policies, key=lambda ref: (not ref.namespace, ref)))
        one = len(self.policies) == 1
        if self.by_deny_rule:
            tail = " hits it, and no rule that allows wins over it. Narrow that rule."
            return fit(f"{head} is dropped: a deny rule of ", names, tail)
        lets = f" {'lets' if one else 'let'}"
        only = "out only what" if self.direction is Direction.EGRESS else "in only whom"
        tail = f"{lets} {only} a rule allows, and none allows it. Add {add}."
        return fit(f"{head} is dropped: ", names, tail)


@dataclass(slots=True)
class PodGroup:
    """Pods that the same rules decide for.

    Attributes:
        rules: those rules, of one direction.
        pods: the pods.
    """

    rules: tuple[Selected, ...]
    pods: list[Pod] = field(default_factory=list)
    _asked: dict[Port, Question] = field(default_factory=dict, init=False, repr=False)

    def question(self, port: Port) -> Question:
        """What decides of connections on a port, whatever the peer."""
        known = self._asked.get(port)
        if known is None:
            protocol, number = port
            known = self._asked[port] = ask_about(self.rules, number, protocol)
        return known

    @property
    def is_open(self) -> bool:
        """Nothing is denied to or by them."""
        return not any(one.rule.deny or one.rule.default_deny for one in self.rules)


class PodGroups:
    """The pods of a namespace, by the rules that decide for them in a direction: few differ."""

    def __init__(self, policies: Sequence[ReadPolicy], direction: Direction) -> None:
        """Makes an empty one; `add` each pod."""
        self._policies = policies
        self._direction = direction
        self._groups: dict[object, PodGroup] = {}

    def add(self, pod: Pod) -> None:
        """Takes a pod in."""
        rules = selected(self._policies, pod, self._direction)
        mark = tuple((id(one.rule), one.certainty) for one in rules)
        self._groups.setdefault(mark, PodGroup(rules)).pods.append(pod)

    def closed(self) -> list[PodGroup]:
        """The groups to or by which something is denied."""
        return [group for group in self._groups.values() if not group.is_open]


def dropped(group: PodGroup, way: Way) -> list[DirectionVerdict]:
    """Why a way is closed to or by a group of pods; nothing if it is open, or may be."""
    verdicts: list[DirectionVerdict] = []
    ports = way.ports or [
        ("TCP", number) for number in turning_ports(one.rule for one in group.rules)
    ]
    for peer in way.peers:
        met: dict[int, Answer] = {}
        for port in ports:
            verdict = judge(group.question(port), peer, met)
            if verdict.outcome is not Outcome.DENIED:
                return []
            verdicts.append(verdict)
    return verdicts


def cause_of(direction: Direction, ways: Iterable[Sequence[DirectionVerdict]]) -> Cause:
    """What to put right, of the verdicts on ways that are closed.

    A way is closed by deny rules only if they hit all of it. Where they close one, they come first:
    nothing helps while they stand.
    """
    found = list(ways)
    by_rule = [way for way in found if all(each.by_deny_rule for each in way)]
    refs = {
        ref
        for way in by_rule or found
        for verdict in way
        if by_rule or not verdict.by_deny_rule
        for ref in verdict.policies
    }
    return Cause(direction, frozenset(refs), bool(by_rule))
