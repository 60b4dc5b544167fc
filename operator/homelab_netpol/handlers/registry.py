"""The registry of Kopf's handlers, made by a call: nothing registers at import.

Only `on.event` is used: it writes nothing on the objects. Kopf's other handlers leave annotations
or finalizers on every Namespace, which GitOps tools see as drift (decision 1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import kopf

from homelab_netpol.cluster.connection import ClusterAccess
from homelab_netpol.definitions import DefinitionKind
from homelab_netpol.handlers.credentials import kopf_credentials
from homelab_netpol.handlers.namespaces import watch_namespaces
from homelab_netpol.handlers.network_profiles import watch_network_profiles
from homelab_netpol.handlers.shared_resources import watch_shared_resources
from homelab_netpol.reconcile.event_handlers import EventHandlers
from homelab_netpol.watch.kopf_watch import KopfWatch

# What Kopf watches: what people write.
WATCHED = ("namespaces", *(kind.plural for kind in DefinitionKind))


def build_registry(
    events: EventHandlers, watches: Mapping[str, KopfWatch], access: ClusterAccess
) -> kopf.OperatorRegistry:
    """Makes the registry.

    Args:
        events: handles what the watches deliver.
        watches: for each of `WATCHED`, records what was delivered.
        access: credentials; Kopf asks again when the server no longer accepts them.
    """
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    async def login(**_: Any) -> kopf.ConnectionInfo:
        return await kopf_credentials(access)

    watch_namespaces(registry, events, watches["namespaces"])
    watch_network_profiles(registry, events, watches["networkprofiles"])
    watch_shared_resources(registry, events, watches["sharedresources"])
    return registry
