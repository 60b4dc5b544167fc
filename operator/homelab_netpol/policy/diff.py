"""What must be written so that the policies that stand become those that should."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from homelab_netpol.policy.objects import LivePolicy, Policy, PolicyKey


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
    """The standing policy says what it should, and carries our labels and annotations."""
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
        What to do, in this order: creations and replacements as wanted, then deletions; so a path
        that moves from one policy to another is open all the while.
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
