"""What is in force in a Namespace: read from the policies on the API server, not from labels."""

from __future__ import annotations

from dataclasses import dataclass

from homelab_netpol.policy.keys import Component
from homelab_netpol.policy.objects import is_managed
from lab.demo.informer import Snapshot, labels_of


@dataclass(frozen=True)
class InForce:
    """What is in force in a Namespace.

    Attributes:
        profile: the profile whose policy is there, if one is.
        grants: the shared resources that it may reach.
        hatch: the escape hatch is open.
        components: the component label of each of the operator's policies in it.
    """

    profile: str | None
    grants: frozenset[str]
    hatch: bool
    components: tuple[str, ...]


def read_in_force(snapshot: Snapshot, namespace: str, domain: str) -> InForce:
    """Reads what is in force in a Namespace, in a label domain."""
    found = [
        labels
        for manifest in snapshot.policies(namespace)
        if is_managed(labels := labels_of(manifest))
    ]

    def values(component: Component, key: str) -> set[str]:
        return {
            labels.get(f"{domain}/{key}", "")
            for labels in found
            if labels.get(f"{domain}/component") == component
        }

    return InForce(
        profile=next(iter(values(Component.PROFILE, "profile")), None),
        grants=frozenset(values(Component.ACCESS, "resource")),
        hatch=bool(values(Component.HATCH, "component")),
        components=tuple(labels.get(f"{domain}/component", "unknown") for labels in found),
    )
