"""Lets AuthorizationPolicies go one by one without denying anything in between. Pure.

A workload that an ALLOW policy selects is denied the rest, so the last of several policies would
hold it to its own rules alone. Before any goes, each takes on the rules of those that select at
least the workloads that it selects itself, which changes no verdict. Then the widest goes first.
One rule that allows everything would be simpler, but would open what policies of others close.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Body = Mapping[str, Any]


def allows(body: Body) -> bool:
    """Its action is ALLOW, which denies the rest; a policy with another can go at any time."""
    action: str = (body.get("spec") or {}).get("action", "ALLOW")
    return action == "ALLOW"


def width(body: Body) -> int:
    """How many labels a workload must have to be selected: the fewer, the wider."""
    return len(_selector(body) or ())


def is_within(body: Body, other: Body) -> bool:
    """All workloads that one policy selects are certainly selected by another of its namespace."""
    mine, theirs = _selector(body), _selector(other)
    if mine is None or theirs is None:
        return False
    return theirs.items() <= mine.items()


def rules_of(body: Body) -> list[Any]:
    """The rules of a policy, each of which allows requests by itself."""
    return list((body.get("spec") or {}).get("rules") or ())


def with_rules(rules: Sequence[Any], body: Body) -> dict[str, Any] | None:
    """The same policy with these rules as well; None if it has them."""
    own = rules_of(body)
    missing = [rule for number, rule in enumerate(rules) if rule not in [*own, *rules[:number]]]
    return {"spec": {**body["spec"], "rules": [*own, *missing]}} if missing else None


def _selector(body: Body) -> Mapping[str, str] | None:
    """The labels that it selects by, {} for all of its namespace; None: by something else."""
    spec = body.get("spec") or {}
    if spec.get("targetRef") or spec.get("targetRefs"):
        return None
    labels: Mapping[str, str] = (spec.get("selector") or {}).get("matchLabels") or {}
    return labels
