"""What a check of platform namespaces finds. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from homelab_netpol.cilium.evaluation import PolicyRef


class RuleState(StrEnum):
    """What became of a required rule."""

    OK = "ok"
    ELSEWHERE = "elsewhere"
    UNCERTAIN = "uncertain"
    MISSING = "missing"


class NamespaceState(StrEnum):
    """What a namespace is found to be."""

    OK = "ok"
    MISSING = "missing"
    UNCERTAIN = "uncertain"
    NO_POLICY = "no policy"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What became of one required rule in one namespace.

    Attributes:
        rule: what it is for, in a word.
        direction: `ingress` or `egress`; "" where both are meant.
        peer: the other end, in words.
        ports: in words; "": any that the pods listen on.
        state: `elsewhere`: the namespace's own policies lack it, and others supply it; `missing`:
            it is denied.
        message: a sentence; "" if it is there.
        pods: for which pods, where not for all.
        policies: those that close, or that supply it.
        add: rules that supply it, by section (`ingress`, `egress`); empty: no rule would help.
    """

    rule: str
    direction: str
    peer: str
    ports: str
    state: RuleState
    message: str = ""
    pods: tuple[str, ...] = ()
    policies: tuple[PolicyRef, ...] = ()
    add: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NamespaceResult:
    """What was found in one platform namespace.

    Attributes:
        namespace: its name.
        meshed: it is in the mesh.
        policies: those that stand in it by hand.
        pods: the pods that were looked at, in words.
        are_given: they are pods that are given; else such as the policies select.
        rules: each required rule.
    """

    namespace: str
    meshed: bool
    policies: tuple[PolicyRef, ...]
    pods: tuple[str, ...]
    are_given: bool
    rules: tuple[RuleResult, ...] = ()

    @property
    def state(self) -> NamespaceState:
        """The worst of it."""
        states = {each.state for each in self.rules}
        if RuleState.MISSING in states or RuleState.ELSEWHERE in states:
            return NamespaceState.MISSING
        if not self.policies:
            return NamespaceState.NO_POLICY if self.pods else NamespaceState.EMPTY
        return NamespaceState.UNCERTAIN if RuleState.UNCERTAIN in states else NamespaceState.OK
