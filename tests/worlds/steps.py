"""The states between two sets of policies, as they come about while the operator writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from random import Random

from homelab_netpol.policy.default_deny import namespaces_spared
from homelab_netpol.policy.diff import Change, Create, Delete, Replace, diff, in_steps, only_allows
from homelab_netpol.policy.keys import COMPANION_PREFIX, OF_GATEWAYS, SERVED, Component, PolicyKey
from homelab_netpol.policy.objects import LivePolicy, Policy

Standing = Mapping[PolicyKey, Policy]

_NAMESPACE, _BESIDE, _IN = "namespace ", "beside ", " in "
_CLUSTERWIDE, _COMPANIONS = "clusterwide", "companions"


def by_key(policies: Sequence[Policy]) -> dict[PolicyKey, Policy]:
    """Policies by what they are."""
    return {policy.key: policy for policy in policies}


def between(
    dice: Random, old: Sequence[Policy], new: Sequence[Policy], *, deletions_first: bool = False
) -> Iterator[tuple[str, Standing]]:
    """One way from the old policies to the new ones: what is written, and what then stands.

    One piece of work takes its steps one after the other, and makes the changes of a step side by
    side, so in any order. Pieces of work run side by side as well, but for these things: what may
    deny in a namespace waits for the policies beside resources there, and these for its hatch; the
    profile of a namespace that comes to the platform goes once the baselines spare it; and they
    spare one that leaves it until all that is created in it stands. Companions, which a namespace
    of the platform has none of, change after all of that where one comes, and before the baselines
    else.

    Args:
        dice: to draw the order with.
        old: the policies that stand.
        new: those that should.
        deletions_first: the wrong way round.
    """
    standing = by_key(old)
    joining, leaving = _spared(new) - _spared(old), _spared(old) - _spared(new)
    works = {w: _in_some_order(dice, c, deletions_first) for w, c in _works(old, new).items()}
    while works:
        ready = [work for work in works if not _waits(work, works, joining, leaving)]
        # The wrong way round, they may wait for each other.
        work = dice.choice(ready or list(works) if deletions_first else ready)
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
    if policy.key.name.startswith(COMPANION_PREFIX):
        return _COMPANIONS
    if not policy.key.namespace:
        return _CLUSTERWIDE
    if policy.component is Component.GRANT or policy.key.name in (SERVED, OF_GATEWAYS):
        return f"{_BESIDE}{policy.key.name}{_IN}{policy.key.namespace}"
    return f"{_NAMESPACE}{policy.key.namespace}"


def _waits(
    work: str, works: Mapping[str, list[Change]], joining: set[str], leaving: set[str]
) -> bool:
    """Somebody else comes first."""
    if work == _COMPANIONS and joining:
        # They go with the profiles of those that come to the platform, which the baselines spare.
        return any(each in works for each in (_CLUSTERWIDE, *(_NAMESPACE + n for n in joining)))
    if work == _CLUSTERWIDE and not joining and _COMPANIONS in works:
        return True
    if work == _CLUSTERWIDE:
        return any(_creates_some(works.get(f"{_NAMESPACE}{name}", ())) for name in leaving)
    if work.startswith(_BESIDE):
        home = works.get(f"{_NAMESPACE}{work.partition(_IN)[2]}", ())
        return any(isinstance(c, Create) and c.policy.component is Component.HATCH for c in home)
    if work.startswith(_NAMESPACE) and not only_allows(works[work][0]):
        here = _IN + work.removeprefix(_NAMESPACE)
        if work.removeprefix(_NAMESPACE) in joining and _CLUSTERWIDE in works:
            return True
        return any(other.startswith(_BESIDE) and other.endswith(here) for other in works)
    return False


def _spared(policies: Sequence[Policy]) -> set[str]:
    """Whom the baselines spare by name."""
    return {
        name
        for policy in policies
        if policy.component is Component.BASELINE
        for rules in policy.body.get("specs") or ()
        for each in rules["endpointSelector"].get("matchExpressions") or ()
        if each["key"].endswith("io.kubernetes.pod.namespace") and each["operator"] == "NotIn"
        for name in each["values"]
    }


def _creates_some(changes: Sequence[Change]) -> bool:
    return any(isinstance(change, Create) for change in changes)


def _live(policy: Policy) -> LivePolicy:
    return LivePolicy(
        key=policy.key,
        uid=str(policy.key),
        resource_version="1",
        labels=policy.labels,
        annotations=policy.annotations,
        digest=policy.digest,
        created="2026-03-01T11:00:00Z",
        spared=namespaces_spared(policy.body) if not policy.key.namespace else None,
    )
