"""Event handlers: from an event of a watch to the cache, the triggers and the queue.

They neither fail nor wait: Kopf forgets an event whose handler failed, and a watch that waits falls
behind.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from homelab_netpol.cache.cluster import ClusterCache
from homelab_netpol.cache.definitions import read_definition
from homelab_netpol.cluster.watch import WatchEvent
from homelab_netpol.definitions import DefinitionKind
from homelab_netpol.policy.keys import Kind, PolicyKey
from homelab_netpol.policy.objects import read_live
from homelab_netpol.reconcile.queue import WorkQueue
from homelab_netpol.reconcile.triggers import Triggers
from homelab_netpol.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

Manifest = Mapping[str, Any]


class EventHandlers:
    """One method a kind of object: Kopf's handlers call them, and the reflectors."""

    def __init__(
        self, cache: ClusterCache, triggers: Triggers, queue: WorkQueue, metrics: Metrics
    ) -> None:
        self._cache = cache
        self._triggers = triggers
        self._queue = queue
        self._metrics = metrics

    def namespace(self, manifest: Manifest, *, deleted: bool) -> None:
        """A Namespace was seen, changed or deleted."""
        try:
            namespaces, metadata = self._cache.namespaces, manifest["metadata"]
            name, version = metadata["name"], int(metadata["resourceVersion"])
            if deleted:
                self._queue.enqueue(self._triggers.namespace_deleted(name, version))
            elif namespaces.is_newer(name, version):
                # Asked first: at its start Kopf shows every Namespace that was just listed.
                observed = namespaces.read(manifest)
                self._queue.enqueue(self._triggers.namespace_observed(observed))
        except Exception:
            self._failed("namespaces", manifest)

    def definition(self, kind: DefinitionKind, manifest: Manifest, *, deleted: bool) -> None:
        """A custom resource was seen, changed or deleted."""
        try:
            live = read_definition(kind, manifest)
            name, version = live.definition.name, live.version
            if deleted:
                self._queue.enqueue(self._triggers.definition_deleted(kind, name, version))
            else:
                self._queue.enqueue(self._triggers.definition_observed(kind, live))
        except Exception:
            self._failed(kind.plural, manifest)

    def policies(self, kind: Kind, events: Iterable[WatchEvent]) -> None:
        """Policies with our label were added, changed or deleted, or lost the label."""
        for manifest, deleted in events:
            try:
                metadata = manifest["metadata"]
                key = PolicyKey(kind, metadata.get("namespace", ""), metadata["name"])
                version = int(metadata["resourceVersion"])
                if deleted:
                    self._queue.enqueue(self._triggers.policy_deleted(key, version))
                elif self._cache.policies.is_newer(key, version):
                    # Asked first: nearly all are our own writes, whose answers came before.
                    self._queue.enqueue(self._triggers.policy_observed(read_live(kind, manifest)))
            except Exception:
                self._failed(kind.plural, manifest)

    def _failed(self, watch: str, manifest: Manifest) -> None:
        """A mistake of ours with one object must not keep us from the others."""
        metadata = manifest.get("metadata") or {}
        name = f"{metadata.get('namespace') or ''}/{metadata.get('name')}".lstrip("/")
        self._metrics.intake_errors.labels(watch).inc()
        log.exception("%s %s could not be handled; the next resync reads it again", watch, name)
