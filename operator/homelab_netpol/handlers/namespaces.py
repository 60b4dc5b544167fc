"""Kopf's handler of Namespaces: whatever people label, it begins here."""

from __future__ import annotations

from typing import Any

import kopf

from homelab_netpol.reconcile.event_handlers import EventHandlers
from homelab_netpol.watch.kopf_watch import KopfWatch


def watch_namespaces(
    registry: kopf.OperatorRegistry, events: EventHandlers, watch: KopfWatch
) -> None:
    """Registers the handler.

    Namespaces are watched without a filter: of one that loses its label, a filtered watch would
    show nothing more.
    """

    @kopf.on.event("v1", "namespaces", registry=registry, id="namespace")
    async def on_namespace(event: kopf.RawEvent, **_: Any) -> None:
        events.namespace(event["object"], deleted=event["type"] == "DELETED")
        watch.delivered(event)
