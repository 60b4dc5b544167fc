"""Which namespaces keep `defaultDeny: auto` from closing the cluster. Pure.

Closed is what has its own policies: a profile's, which denies the rest by itself, or an open
hatch's, which goes on allowing everything. What counts is that they stand, not that labels ask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from homelab_netpol.intent import Intent
from homelab_netpol.policy.keys import Component, Kind, PolicyKey, policy_name


def still_open(
    with_pods: Iterable[str],
    intent_of: Callable[[str], Intent | None],
    stands: Callable[[PolicyKey], bool],
) -> list[str]:
    """The namespaces whose pods would be cut off if the baselines switched on default deny now.

    Args:
        with_pods: the namespaces in which there are pods that a policy can hold.
        intent_of: what a namespace wants; None: nothing is known of it.
        stands: whether a policy of the operator's stands, and Cilium has not rejected it.

    Returns:
        Their names, in order. A namespace of which nothing is known is one of them.
    """
    return sorted(name for name in with_pods if _is_open(name, intent_of(name), stands))


def _is_open(name: str, intent: Intent | None, stands: Callable[[PolicyKey], bool]) -> bool:
    if intent is None:
        return True
    if intent.platform:
        return False
    closed_by = []
    if intent.profile is not None or intent.retained_profile is not None:
        closed_by.append(Component.PROFILE)
    if intent.hatch_open:
        closed_by.append(Component.HATCH)
    return not any(stands(PolicyKey(Kind.CNP, name, policy_name(each))) for each in closed_by)
