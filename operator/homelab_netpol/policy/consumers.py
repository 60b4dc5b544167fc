"""Who may use which part of a shared resource. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from homelab_netpol.intent import WHOLE


def consumers_by_value(consumers: Mapping[str, str]) -> dict[str, list[str]]:
    """Namespaces by the value of their grants, each in order; those on the whole resource first.

    Args:
        consumers: the namespaces, each with the value of its grant.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for name in sorted(consumers):
        found[consumers[name]].append(name)
    return {value: found[value] for value in sorted(found, key=lambda each: (each != WHOLE, each))}
