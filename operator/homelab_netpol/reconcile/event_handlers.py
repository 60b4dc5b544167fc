"""Takes in what watches tell, and asks for what follows to be looked at.

Neither fails nor waits: an event that was not taken in would be forgotten.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from homelab_netpol.cache.definitions import read_definition
from homelab_netpol.cluster.resources import Resources
from homelab_netpol.cluster.watch import WatchEvent
from homelab_netpol.definitions import DefinitionKind
from homelab_netpol.policy.keys import CILIUM_KINDS, Kind
from homelab_netpol.policy.objects import read_live
from homelab_netpol.reconcile.view import ClusterView
from homelab_netpol.reconcile.workers import Workers
from homelab_netpol.telemetry.metrics import Metrics
from homelab_netpol.watch.reflector import Reflector
from homelab_netpol.watch.resync import Resync

log = logging.getLogger(__name__)


class EventHandlers:
    """From events to requests."""

    def __init__(self, view: ClusterView, workers: Workers, metrics: Metrics) -> None:
        self._view = view
        self._metrics = metrics
        self._workers = workers
        for what in ("namespaces", *(kind.plural for kind in CILIUM_KINDS)):
            metrics.intake_errors.labels(what)  # at zero, so that a rate sees the first one

    def namespaces(self, events: Iterable[WatchEvent]) -> None:
        """Takes in Namespaces that were added, changed or deleted."""
        for manifest, deleted in events:
            try:
                self._namespace(manifest, deleted=deleted)
            except Exception:
                self._missed("namespaces", manifest)

    def policies(self, kind: Kind, events: Iterable[WatchEvent]) -> None:
        """Takes in policies with our label that were added, changed, deleted, or lost the label."""
        for manifest, deleted in events:
            try:
                self.policy_event(kind, manifest, deleted=deleted)
            except Exception:
                self._missed(kind.plural, manifest)

    def policy_event(self, kind: Kind, manifest: Mapping[str, Any], *, deleted: bool) -> None:
        """Takes in one of them."""
        live = read_live(kind, manifest)
        if deleted:
            self._workers.enqueue(self._view.forget_policy(live.key, int(live.resource_version)))
        else:
            self._workers.enqueue(self._view.observe_policy(live))

    def definition_event(
        self, kind: DefinitionKind, manifest: Mapping[str, Any], *, deleted: bool
    ) -> None:
        """Takes in a custom resource that was seen, changed or deleted."""
        live = read_definition(kind, manifest)
        if deleted:
            requests = self._view.forget_definition(kind, live.definition.name, live.version)
        else:
            requests = self._view.observe_definition(kind, live)
        self._workers.enqueue(requests)

    def _namespace(self, manifest: Mapping[str, Any], *, deleted: bool) -> None:
        observed = self._view.read_namespace(manifest)
        if deleted:
            requests = self._view.forget_namespace(observed.facts.name, observed.version)
        else:
            requests = self._view.observe_namespace(observed)
        self._workers.enqueue(requests)

    def _missed(self, what: str, manifest: Mapping[str, Any]) -> None:
        """A mistake of ours with one object must not keep us from the others."""
        metadata = manifest["metadata"]
        name = f"{metadata.get('namespace') or ''}/{metadata.get('name')}".lstrip("/")
        self._metrics.intake_errors.labels(what).inc()
        log.exception("%s %s could not be taken in; the next resync looks at it again", what, name)


def build_reflectors(
    resources: Resources, sync: Resync, event_handlers: EventHandlers
) -> dict[Kind | None, Reflector]:
    """Follows what there may be thousands of: the Namespaces (None), and Cilium's policies."""
    namespaces = Reflector(
        "namespaces",
        watch=resources.watch_namespaces,
        take=event_handlers.namespaces,
        relist=sync.list_namespaces_again,
    )
    found: dict[Kind | None, Reflector] = {None: namespaces}
    for kind in CILIUM_KINDS:
        found[kind] = Reflector(
            kind.plural,
            watch=partial(resources.watch_policies, kind),
            take=partial(event_handlers.policies, kind),
            relist=partial(sync.list_policies_again, kind),
        )
    return found
