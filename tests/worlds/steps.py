"""The states between two sets of policies, as they come about while the operator writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from random import Random

from homelab_netpol.policy.diff import Change, Create, Delete, Replace, diff, in_steps
from homelab_netpol.policy.objects import Component, LivePolicy, Policy, PolicyKey

Standing = Mapping[PolicyKey, Policy]

_BESIDE, _IN = "beside ", " in "


def by_key(policies: Sequence[Policy]) -> dict[PolicyKey, Policy]:
    """Policies by what they are."""
    return {policy.key: policy for policy in policies}


def between(
    dice: Random, old: Sequence[Policy], new: Sequence[Policy], *, deletions_first: bool = False
) -> Iterator[tuple[str, Standing]]:
    """One way from the old policies to the new ones: what is written, and what then stands.

    One piece of work takes its steps one after the other, and makes the changes of a step side by
    side, so in any order. Pieces of work run side by side as well, but a resource's side waits for
    its namespace's own.

    Args:
        dice: to draw the order with.
        old: the policies that stand.
        new: those that should.
        deletions_first: the wrong way round.
    """
    standing = by_key(old)
    works = {w: _in_some_order(dice, c, deletions_first) for w, c in _works(old, new).items()}
    while works:
        work = dice.choice([work for work in works if _home_of(work) not in works])
        change = works[work].pop(0)
        standing = dict(standing)
        match change:
            case Create(policy) | Replace(policy, _):
                standing[policy.key] = policy
                what = f"write {policy.key}"
            case Delete(live):
                del standing[live.key]
                what = f"delete {live.key}"
        yield what, standing
        works = {work: changes for work, changes in works.items() if changes}


def _works(old: Sequence[Policy], new: Sequence[Policy]) -> dict[str, list[Change]]:
    wanted: dict[str, list[Policy]] = {}
    standing: dict[str, dict[PolicyKey, LivePolicy]] = {}
    for policy in new:
        wanted.setdefault(_work(policy), []).append(policy)
    for policy in old:
        standing.setdefault(_work(policy), {})[policy.key] = _live(policy)
    works = {w: diff(wanted.get(w, []), standing.get(w, {})) for w in {**wanted, **standing}}
    return {work: changes for work, changes in works.items() if changes}


def _in_some_order(dice: Random, changes: list[Change], deletions_first: bool) -> list[Change]:
    steps = in_steps(changes)
    if deletions_first:
        steps.reverse()
    return [change for step in steps for change in dice.sample(step, len(step))]


def _work(policy: Policy) -> str:
    """Which piece of work writes a policy: one for each Namespace, and each side of a grant."""
    if not policy.key.namespace:
        return "clusterwide"
    if policy.component is Component.GRANT:
        return f"{_BESIDE}{policy.key.name}{_IN}{policy.key.namespace}"
    return f"namespace {policy.key.namespace}"


def _home_of(work: str) -> str:
    """The work that goes first: that of the namespace beside which a policy stands."""
    return f"namespace {work.partition(_IN)[2]}" if work.startswith(_BESIDE) else ""


def _live(policy: Policy) -> LivePolicy:
    return LivePolicy(
        key=policy.key,
        uid=str(policy.key),
        resource_version="1",
        labels=policy.labels,
        annotations=policy.annotations,
        digest=policy.digest,
        created="2026-03-01T11:00:00Z",
    )
