"""Collectors: counters begin at zero here, and gauges are counted when they are scraped."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable
from operator import itemgetter

from homelab_netpol.cache.cluster import ClusterCache
from homelab_netpol.policy.keys import Component, Scope
from homelab_netpol.reconcile.queue import WorkQueue
from homelab_netpol.telemetry.metrics import Metrics
from homelab_netpol.watch.kopf_watch import KopfWatch
from homelab_netpol.watch.reflector import Reflector

# While the API server is away every key fails, and a series for each would say nothing more.
_MOST_FAILING = 100


def prime(metrics: Metrics, watches: Iterable[str]) -> None:
    """Begins counters at zero: a rate does not see the first increase of a series that was absent.

    Args:
        metrics: the operator's.
        watches: the collections that are watched.
    """
    for scope in Scope:
        for result in ("written", "unchanged", "failed", "error"):
            metrics.reconciles.labels(scope, result)
    for operation in ("create", "replace", "delete", "take-over"):
        for component in Component:
            metrics.writes.labels(operation, component)
    for result in ("done", "failed"):
        metrics.resyncs.labels(result)
    for watch in watches:
        metrics.intake_errors.labels(watch)


def collect_cache(cache: ClusterCache, metrics: Metrics) -> None:
    """Counts what is cached: namespaces by profile, grants, policies."""
    profiles = Counter(intent.profile or "" for intent in cache.intents)
    metrics.namespaces.clear()
    for profile, count in profiles.items():
        metrics.namespaces.labels(profile).set(count)
    grants = Counter(resource for intent in cache.intents for resource in intent.grants)
    metrics.grants.clear()
    for resource in cache.catalogue.vocabulary.resources:
        metrics.grants.labels(resource).set(grants[resource])
    kinds = Counter(
        (live.key.kind.value, cache.label_keys.component_of(live)) for live in cache.policies.all()
    )
    metrics.policies.clear()
    for (kind, part), count in kinds.items():
        metrics.policies.labels(kind, part).set(count)


def collect_queue(queue: WorkQueue, metrics: Metrics) -> None:
    """Counts the keys that wait and those that fail, and names those that failed most."""
    metrics.queue_depth.set(len(queue))
    metrics.keys_failing.set(len(queue.failures))
    metrics.failures_in_a_row.clear()
    for key, count in heapq.nlargest(_MOST_FAILING, queue.failures.items(), key=itemgetter(1)):
        metrics.failures_in_a_row.labels(key.scope, key.name).set(count)


def collect_watches(
    reflectors: Iterable[Reflector], kopf_watches: Iterable[KopfWatch], metrics: Metrics
) -> None:
    """Says how long each watch has been silent, or behind."""
    for reflector in reflectors:
        metrics.watch_silent_seconds.labels(reflector.name).set(reflector.silent_seconds)
    for watch in kopf_watches:
        metrics.watch_behind_seconds.labels(watch.name).set(watch.behind_seconds)
