"""In which order what is ours can go, so that nothing is denied on the way. Pure.

First nothing of ours denies any more, while all that it allows still stands; then it is deleted.
So a flow that is allowed before and after is allowed at every moment, and no pod is opened that is
closed before and after: what others deny, they deny throughout.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from homelab_netpol.cleanup import mesh_rules
from homelab_netpol.cleanup.ownership import ManagedPolicy
from homelab_netpol.policy.default_deny import without_default_deny
from homelab_netpol.policy.keys import (
    CILIUM_KINDS,
    HATCH_CCNP,
    Component,
    Kind,
    policy_name,
)

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A policy to be rewritten before anything is deleted.

    Attributes:
        managed: the policy.
        change: makes the new body from the one that stands; None when it needs no change.
    """

    managed: ManagedPolicy
    change: Callable[[Body], dict[str, Any] | None]


def rewrites(managed: Sequence[ManagedPolicy]) -> list[list[Rewrite]]:
    """The rewrites, in steps; the writes of one may be made side by side.

    The clusterwide policies come first: an account that may not change these stops before it has
    changed anything.
    """
    denying = [Rewrite(each, without_default_deny) for each in managed if each.default_deny]
    clusterwide = [each for each in denying if each.managed.live.key.kind is Kind.CCNP]
    namespaced = [each for each in denying if each.managed.live.key.kind is not Kind.CCNP]
    return [step for step in (clusterwide, [*namespaced, *_in_mesh(managed)]) if step]


def deletions(managed: Iterable[ManagedPolicy]) -> list[list[ManagedPolicy]]:
    """The deletions, in steps; those of one may be made side by side."""
    steps: dict[tuple[int, int], list[ManagedPolicy]] = {}
    for each in managed:
        steps.setdefault(_turn(each), []).append(each)
    return [steps[turn] for turn in sorted(steps)]


def _turn(each: ManagedPolicy) -> tuple[int, int]:
    key = each.live.key
    if key.kind not in CILIUM_KINDS:
        return 1, mesh_rules.width(each.body)
    if each.default_deny and each.live.rejected:
        # Of a policy that Cilium rejects, agents may still hold the version before, which no
        # rewrite reaches. It goes while everything that allows still stands.
        return 0, 0
    if each.deny_rules:
        # Else what another of ours allows would pass for a moment, although a policy of others
        # denies it in the end.
        return 4, 0
    is_hatch = key.name in (HATCH_CCNP, policy_name(Component.HATCH))
    return (3 if is_hatch else 2), 0


def _in_mesh(managed: Iterable[ManagedPolicy]) -> list[Rewrite]:
    by_namespace: dict[str, list[ManagedPolicy]] = {}
    for each in managed:
        if each.live.key.kind is Kind.AUTHORIZATION and each.body:
            by_namespace.setdefault(each.live.key.namespace, []).append(each)
    found = []
    for policies in by_namespace.values():
        for each in policies:
            rules = [
                rule
                for other in policies
                if other is not each and mesh_rules.is_within(each.body, other.body)
                for rule in mesh_rules.rules_of(other.body)
            ]
            change = partial(mesh_rules.with_rules, rules)
            if change(each.body) is not None:
                found.append(Rewrite(each, change))
    return found
