"""What must be written so that the policies that stand become those that should."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from homelab_netpol.policy.default_deny import namespaces_spared
from homelab_netpol.policy.keys import (
    COMPANION_PREFIX,
    HATCH_CCNP,
    Component,
    Kind,
    PolicyKey,
    PolicyName,
    parse_policy_name,
    policy_name,
)
from homelab_netpol.policy.objects import LivePolicy, Policy

_HATCHES = frozenset({policy_name(Component.HATCH), HATCH_CCNP})
# What may switch on default deny in its own namespace, or hold peers to ports in the mesh.
_DENYING = frozenset({policy_name(Component.PROFILE), policy_name(Component.MESH)})


@dataclass(frozen=True, slots=True)
class Create:
    """Write a policy that is not there."""

    policy: Policy


@dataclass(frozen=True, slots=True)
class Replace:
    """Make a standing policy what it should be."""

    policy: Policy
    live: LivePolicy


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove a policy that is no longer wanted."""

    live: LivePolicy


Change = Create | Replace | Delete


def in_sync(policy: Policy, live: LivePolicy) -> bool:
    """The standing policy says what it should, with the operator's labels and annotations."""
    return (
        policy.digest == live.digest
        and all(live.labels.get(key) == value for key, value in policy.labels.items())
        and all(live.annotations.get(key) == value for key, value in policy.annotations.items())
    )


def diff(wanted: Iterable[Policy], standing: Mapping[PolicyKey, LivePolicy]) -> list[Change]:
    """Compares.

    Args:
        wanted: the policies that should stand.
        standing: those that do; each of them may be changed or removed, so leave out what is to
            stay untouched.

    Returns:
        What to do, in no order that matters; `in_steps` has that.
    """
    changes: list[Change] = []
    keep: set[PolicyKey] = set()
    for policy in wanted:
        keep.add(policy.key)
        live = standing.get(policy.key)
        if live is None:
            changes.append(Create(policy))
        elif not in_sync(policy, live):
            changes.append(Replace(policy, live))
    changes.extend(Delete(live) for key, live in standing.items() if key not in keep)
    return changes


def in_steps(changes: Iterable[Change]) -> list[list[Change]]:
    """Puts changes into an order in which nothing is denied that is allowed before and after.

    First what only allows, then what may deny; then the other way round goes what is no longer
    wanted, and the hatch, under which all the rest may move, last of all.

    Returns:
        Steps, to be taken one after the other; the changes of one may be made side by side.
    """
    steps: dict[int, list[Change]] = {}
    for change in changes:
        steps.setdefault(_step_of(change), []).append(change)
    return [steps[step] for step in sorted(steps)]


def only_allows(change: Change) -> bool:
    """The change denies nothing that was allowed before."""
    return _step_of(change) == 0


def _step_of(change: Change) -> int:
    if isinstance(change, Delete):
        return _step_of_deletion(change.live.key)
    key = change.policy.key
    if _is_companion(key):
        return 0 if isinstance(change, Create) else 1
    # The lists of parts first: a consumer that goes from one to that of all, or back, is on either.
    grant = _grant_in_mesh(key)
    is_list_of_all = grant is not None and not grant.part
    may_deny = is_list_of_all or _may_deny(key)
    return 2 if may_deny and not _spares_no_fewer(change) else 0


def _step_of_deletion(key: PolicyKey) -> int:
    if key.name in _HATCHES:
        return 6
    grant = _grant_in_mesh(key)
    if grant is not None and grant.part:
        return 5
    return 3 if _may_deny(key) else 4


def _is_companion(key: PolicyKey) -> bool:
    """It only allows, but for the platform's namespaces: in between of what baselines spare."""
    return key.kind is Kind.CCNP and key.name.startswith(COMPANION_PREFIX)


def _spares_no_fewer(change: Create | Replace) -> bool:
    """A baseline denies to no namespace to which it has not denied before."""
    if isinstance(change, Create) or change.live.key.kind is not Kind.CCNP:
        return False
    before, after = change.live.spared, namespaces_spared(change.policy.body)
    return after is None or (before is not None and before <= after)


def _grant_in_mesh(key: PolicyKey) -> PolicyName | None:
    """One of the lists beside a shared resource: of who may use all of it, or one part."""
    parsed = parse_policy_name(key) if key.kind is Kind.AUTHORIZATION else None
    return parsed if parsed is not None and parsed.component is Component.GRANT else None


def _may_deny(key: PolicyKey) -> bool:
    clusterwide_baseline = not key.namespace and key.name not in _HATCHES
    return key.name in _DENYING or clusterwide_baseline
