"""Which of the rules that are about a connection decides it. Pure.

The tiers are asked in order, and in a tier the priorities; what a deny rule denies is denied before
what an allow rule of the same priority allows; a rule that passes leaves the rest of its tier out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from homelab_netpol.cilium.evaluation.answer import Answer, Doubt
from homelab_netpol.cilium.evaluation.policy import PolicyRef, Rule, Tier


class Doubtful(NamedTuple):
    """A rule that may decide, or close a direction, and why that cannot be said."""

    ref: PolicyRef
    rule: Rule
    doubt: Doubt


Doubts = list[Doubtful]


class Hit(NamedTuple):
    """A rule that is about a connection, or may be.

    Attributes:
        ref: its policy.
        rule: the rule.
        answer: yes, or why that cannot be said; never no.
    """

    ref: PolicyRef
    rule: Rule
    answer: Answer


@dataclass(slots=True)
class Decision:
    """What may come of the rules, by those that may come to decide.

    Attributes:
        denying: rules that deny it, whatever policies of the middle tier allow.
        denying_last: the same of the last tier, before which any allow rule comes.
        allowing: rules that allow it.
        maybe_deny: rules that may deny it, and why that is in doubt.
        maybe_allow: rules that may allow it.
        maybe_pass: rules that may keep others from deciding.
        falls_through: it may be that none of them decides.
    """

    denying: list[Hit] = field(default_factory=list)
    denying_last: list[Hit] = field(default_factory=list)
    allowing: list[Hit] = field(default_factory=list)
    maybe_deny: Doubts = field(default_factory=list)
    maybe_allow: Doubts = field(default_factory=list)
    maybe_pass: Doubts = field(default_factory=list)
    falls_through: bool = True

    @property
    def denies(self) -> bool:
        """A rule certainly denies it, if it comes to that rule."""
        return bool(self.denying or self.denying_last)


def decide(hits: Sequence[Hit]) -> Decision:
    """Asks the rules in their order."""
    decision = Decision()
    if all(hit.rule.tier is Tier.NORMAL for hit in hits):  # as nearly always
        decision.falls_through = not _take(hits, decision)
        return decision
    for _, of_tier in groupby(sorted(hits, key=_order), key=_tier):
        if not _decided_in_tier(of_tier, decision):
            continue
        decision.falls_through = False
        break
    return decision


def _decided_in_tier(hits: Iterable[Hit], decision: Decision) -> bool:
    """Whether a tier certainly decides."""
    may_have_passed = False
    for _, level in groupby(hits, key=_order):
        found = list(level)
        passing = [hit for hit in found if hit.rule.passes]
        others = [hit for hit in found if not hit.rule.passes]
        certain = any(hit.answer is True for hit in passing)
        if certain and not others:
            return False
        for ref, rule, answer in passing:
            doubt = answer if isinstance(answer, Doubt) else Doubt.PRECEDENCE
            decision.maybe_pass.append(Doubtful(ref, rule, doubt))
        may_have_passed = may_have_passed or bool(passing)
        if _take(others, decision):
            return not may_have_passed
        if certain:
            return False
    return False


def _take(hits: Iterable[Hit], decision: Decision) -> bool:
    """Takes in the rules of one priority; whether they certainly decide."""
    denying: list[Hit] = []
    allowing: list[Hit] = []
    maybe_allow: Doubts = []
    for hit in hits:
        ref, rule, answer = hit
        if isinstance(answer, Doubt):
            doubtful = Doubtful(ref, rule, answer)
            (decision.maybe_deny if rule.deny else maybe_allow).append(doubtful)
        else:
            (denying if rule.deny else allowing).append(hit)
    if denying:
        last = denying[0].rule.tier is Tier.BASELINE
        found = decision.denying_last if last else decision.denying
        found += denying
    else:
        # Beside a rule that certainly denies it, these would not matter.
        decision.allowing += allowing
        decision.maybe_allow += maybe_allow
    return bool(denying or allowing)


def _tier(hit: Hit) -> Tier:
    return hit.rule.tier


def _order(hit: Hit) -> tuple[Tier, int]:
    return hit.rule.tier, hit.rule.priority
