"""Kopf's handler of SharedResources."""

from __future__ import annotations

from typing import Any

import kopf

from homelab_netpol.definitions import DefinitionKind
from homelab_netpol.definitions.model import GROUP, VERSION
from homelab_netpol.reconcile.event_handlers import EventHandlers
from homelab_netpol.watch.kopf_watch import KopfWatch


def watch_shared_resources(
    registry: kopf.OperatorRegistry, events: EventHandlers, watch: KopfWatch
) -> None:
    """Registers the handler. The CRD may be installed at any time: Kopf sees it come."""

    @kopf.on.event(GROUP, VERSION, "sharedresources", registry=registry, id="sharedresource")
    async def on_shared_resource(event: kopf.RawEvent, **_: Any) -> None:
        deleted = event["type"] == "DELETED"
        events.definition(DefinitionKind.RESOURCE, event["object"], deleted=deleted)
        watch.delivered(event)
