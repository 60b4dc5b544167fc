"""The status of a custom resource: whether it is usable, who uses it, what Cilium rejects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from homelab_netpol.definitions.model import Definition, NotUsable
from homelab_netpol.intent import format_moment

# A status is read by people and kept in etcd; a thousand names serve neither.
_MAX_NAMES = 100
_MAX_MESSAGE = 2000


class RejectedPolicy(NamedTuple):
    """A policy that Cilium does not put in force."""

    namespace: str
    why: str


def profile_status(
    definition: Definition,
    problem: NotUsable | None,
    users: Sequence[str],
    rejected: Sequence[RejectedPolicy],
) -> dict[str, Any]:
    """What the status of a NetworkProfile should say, apart from the times of its conditions.

    Args:
        definition: what was read.
        problem: why it cannot be used; None: it can.
        users: the Namespaces in which it is in force, or its last policy is kept.
        rejected: the policies made from it that Cilium rejects.
    """
    if rejected:
        first = rejected[0]
        others = f" and {len(rejected) - 1} more" if len(rejected) > 1 else ""
        message = f"Cilium rejects the policy in {first.namespace}{others}: {first.why}"
        valid = _condition("Valid", False, "RejectedByCilium", message)
    else:
        valid = _condition("Valid", True, "NotRejected", "Cilium rejects none of its policies.")
    return {
        "observedGeneration": definition.generation,
        "namespaces": len(users),
        "conditions": [_ready(problem, len(users)), valid],
    }


def resource_status(
    definition: Definition,
    problem: NotUsable | None,
    consumers: Sequence[str],
    refused: Sequence[str],
) -> dict[str, Any]:
    """What the status of a SharedResource should say, apart from the times of its conditions.

    Args:
        definition: what was read.
        problem: why it cannot be used; None: it can.
        consumers: the Namespaces that hold a grant on it.
        refused: those that ask for one and may not have it.
    """
    return {
        "observedGeneration": definition.generation,
        "consumerCount": len(consumers),
        "consumers": list(consumers[:_MAX_NAMES]),
        "refused": list(refused[:_MAX_NAMES]),
        "conditions": [_ready(problem, len(consumers))],
    }


def with_times(
    wanted: Mapping[str, Any], standing: Mapping[str, Any], now: datetime
) -> dict[str, Any] | None:
    """Puts a time on each condition: that of its last change from True to False or back.

    Args:
        wanted: what the status should say.
        standing: the status as it stands.
        now: the time, for what changes now.

    Returns:
        The status to write; None if the one that stands says the same.
    """
    known = {each.get("type"): each for each in standing.get("conditions") or ()}
    conditions = []
    for condition in wanted["conditions"]:
        before = known.get(condition["type"]) or {}
        same = before.get("status") == condition["status"]
        time = before.get("lastTransitionTime") if same else None
        generation = wanted["observedGeneration"]
        conditions.append(
            {
                **condition,
                "observedGeneration": generation,
                "lastTransitionTime": time or format_moment(now),
            }
        )
    status = {**wanted, "conditions": conditions}
    return None if all(standing.get(key) == value for key, value in status.items()) else status


def _ready(problem: NotUsable | None, users: int) -> dict[str, Any]:
    if problem is None:
        return _condition("Ready", True, "Accepted", "It can be used.")
    kept = ""
    if users:
        namespaces = "1 namespace keeps" if users == 1 else f"{users} namespaces keep"
        kept = f" Until it is corrected, {namespaces} the last good policies."
    return _condition("Ready", False, problem.reason, problem.sentence + kept)


def _condition(kind: str, holds: bool, reason: str, message: str) -> dict[str, Any]:
    status = "True" if holds else "False"
    return {"type": kind, "status": status, "reason": reason, "message": message[:_MAX_MESSAGE]}
