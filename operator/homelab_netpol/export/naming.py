"""Names and labels of exported objects. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from typing import TypeVar

from homelab_netpol.policy.keys import PolicyKey
from homelab_netpol.policy.objects import MANAGED_BY_LABEL, Policy

Rest = TypeVar("Rest", bound=Hashable)


def names(keys: Iterable[tuple[PolicyKey, Rest]]) -> dict[tuple[PolicyKey, Rest], str]:
    """A name for each object: its policy's, and a number where that makes several."""
    count: Counter[str] = Counter()
    found = {}
    for key in keys:
        name = key[0].name
        count[name] += 1
        found[key] = name if count[name] == 1 else f"{name}-{count[name]}"
    return found


def labels_of(origin: Policy) -> dict[str, str]:
    """The policy's own, without the one by which the operator knows what it manages."""
    return {key: value for key, value in origin.labels.items() if key != MANAGED_BY_LABEL}
