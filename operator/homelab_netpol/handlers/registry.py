"""The handlers: closures over whoever takes the events, so that nothing registers at import.

Only `on.event` is used: it writes nothing on the objects. Kopf's other handlers leave annotations
or finalizers on every Namespace, which GitOps tools see as drift.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import kopf

from homelab_netpol.cluster.connection import ClusterAccess
from homelab_netpol.definitions import DefinitionKind
from homelab_netpol.definitions.model import GROUP, VERSION
from homelab_netpol.policy.keys import ISTIO_API_VERSION, ISTIO_KINDS, Kind

ISTIO_GROUP, ISTIO_VERSION = ISTIO_API_VERSION.split("/")


class EventHandlers(Protocol):
    """Who takes the events. Must neither fail nor wait: Kopf forgets an event that failed."""

    def policy_event(self, kind: Kind, manifest: Mapping[str, Any], *, deleted: bool) -> None:
        """A policy with our label was seen, changed, deleted, or lost the label."""

    def definition_event(
        self, kind: DefinitionKind, manifest: Mapping[str, Any], *, deleted: bool
    ) -> None:
        """A custom resource was seen, changed or deleted."""


def build_registry(
    event_handlers: EventHandlers, access: ClusterAccess, *, istio: bool
) -> kopf.OperatorRegistry:
    """Makes Kopf's registry.

    Args:
        event_handlers: takes the events.
        access: credentials; Kopf asks again when the server no longer accepts them.
        istio: policies of Istio's kinds are written, so have to be watched.
    """
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    async def login(**_: Any) -> kopf.ConnectionInfo:
        return await access.kopf_credentials()

    for kind in ISTIO_KINDS if istio else ():
        _watch_istio(registry, event_handlers, kind)

    @kopf.on.event(GROUP, VERSION, "networkprofiles", registry=registry)
    async def profile(event: kopf.RawEvent, **_: Any) -> None:
        deleted = event["type"] == "DELETED"
        event_handlers.definition_event(DefinitionKind.PROFILE, event["object"], deleted=deleted)

    @kopf.on.event(GROUP, VERSION, "sharedresources", registry=registry)
    async def resource(event: kopf.RawEvent, **_: Any) -> None:
        deleted = event["type"] == "DELETED"
        event_handlers.definition_event(DefinitionKind.RESOURCE, event["object"], deleted=deleted)

    return registry


def _watch_istio(
    registry: kopf.OperatorRegistry, event_handlers: EventHandlers, kind: Kind
) -> None:
    @kopf.on.event(ISTIO_GROUP, ISTIO_VERSION, kind.plural, registry=registry, id=kind.plural)
    async def policy(event: kopf.RawEvent, **_: Any) -> None:
        event_handlers.policy_event(kind, event["object"], deleted=event["type"] == "DELETED")
