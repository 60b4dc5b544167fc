"""What /debug/state shows: the operator's memory in numbers, and its queue. Reads only.

The keys are documented in docs/health.md, and people's scripts read them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from homelab_netpol.definitions import DefinitionKind
from homelab_netpol.reconcile.view import ClusterView
from homelab_netpol.watch.reflector import Reflector


def describe(
    view: ClusterView,
    *,
    queue: Mapping[str, Any],
    reflectors: Iterable[Reflector],
    leader: bool,
    not_ready_because: str | None,
) -> dict[str, Any]:
    """Describes the operator for JSON.

    Args:
        view: what is known of the cluster.
        queue: its snapshot.
        reflectors: of the watches.
        leader: whether this replica writes.
        not_ready_because: what /readyz says; None when it is content.
    """
    return {
        "leader": leader,
        "notReadyBecause": not_ready_because,
        "queue": queue,
        "caches": {
            "namespaces": len(view.namespace_names()),
            "intents": sum(1 for _ in view.intents()),
            "policies": sum(1 for _ in view.standing.all()),
            "networkProfiles": len(view.defined.names(DefinitionKind.PROFILE)),
            "sharedResources": len(view.defined.names(DefinitionKind.RESOURCE)),
        },
        "watches": [
            {
                "name": reflector.name,
                "resourceVersion": str(reflector.version),
                "silentSeconds": round(reflector.silent_seconds, 3),
                "staleBecause": reflector.stale_because(),
            }
            for reflector in reflectors
        ],
    }
