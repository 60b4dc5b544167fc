"""What /debug/state shows: the caches in numbers, and the queue. Reads only.

The keys are documented in docs/health.md, and people's scripts read them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from homelab_netpol.cache.cluster import ClusterCache
from homelab_netpol.definitions import DefinitionKind
from homelab_netpol.reconcile.queue import WorkQueue
from homelab_netpol.watch.kopf_watch import KopfWatch
from homelab_netpol.watch.reflector import Reflector


def describe(
    cache: ClusterCache,
    queue: WorkQueue,
    reflectors: Iterable[Reflector],
    kopf_watches: Iterable[KopfWatch],
    *,
    leader: bool,
    not_ready_because: str | None,
) -> dict[str, Any]:
    """Describes the operator for JSON.

    Args:
        cache: what is known of the cluster.
        queue: what is to be reconciled.
        reflectors: of the operator's own policies.
        kopf_watches: of what people write.
        leader: whether this replica writes.
        not_ready_because: what /readyz says; None when it is ready.
    """
    return {
        "leader": leader,
        "notReadyBecause": not_ready_because,
        "queue": queue.snapshot(),
        "caches": {
            "namespaces": len(cache.namespaces),
            "intents": len(cache.intents),
            "policies": len(cache.policies),
            "networkProfiles": len(cache.definitions.names(DefinitionKind.PROFILE)),
            "sharedResources": len(cache.definitions.names(DefinitionKind.RESOURCE)),
        },
        "watches": [
            *(
                {
                    "name": watch.name,
                    "behindSeconds": round(watch.behind_seconds, 3),
                    "staleBecause": watch.stale_because(),
                }
                for watch in kopf_watches
            ),
            *(
                {
                    "name": reflector.name,
                    "resourceVersion": str(reflector.version),
                    "silentSeconds": round(reflector.silent_seconds, 3),
                    "staleBecause": reflector.stale_because(),
                }
                for reflector in reflectors
            ),
        ],
    }
