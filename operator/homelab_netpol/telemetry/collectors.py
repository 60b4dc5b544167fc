"""Counts for /metrics what is cheaper to count when asked than to keep counted."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping
from operator import itemgetter

from homelab_netpol.policy.keys import WorkKey
from homelab_netpol.policy.objects import LabelKeys
from homelab_netpol.reconcile.view import ClusterView
from homelab_netpol.telemetry.metrics import Metrics

# While the API server is away every key fails, and a series for each would say nothing more.
_MOST_FAILING = 100


def count_known(view: ClusterView, label_keys: LabelKeys, metrics: Metrics) -> None:
    """Counts what is known of the cluster: namespaces by profile, grants, policies."""
    profiles = Counter(intent.profile or "" for intent in view.intents())
    metrics.namespaces.clear()
    for profile, count in profiles.items():
        metrics.namespaces.labels(profile).set(count)
    grants = Counter(resource for intent in view.intents() for resource in intent.grants)
    metrics.grants.clear()
    for resource in view.catalogue.vocabulary.resources:
        metrics.grants.labels(resource).set(grants[resource])
    kinds = Counter(
        (live.key.kind.value, label_keys.component_of(live)) for live in view.standing.all()
    )
    metrics.policies.clear()
    for (kind, part), count in kinds.items():
        metrics.policies.labels(kind, part).set(count)


def count_failing(failures: Mapping[WorkKey, int], metrics: Metrics) -> None:
    """Counts the keys that could not be worked on, and names those that failed most."""
    metrics.keys_failing.set(len(failures))
    metrics.failures_in_a_row.clear()
    for key, count in heapq.nlargest(_MOST_FAILING, failures.items(), key=itemgetter(1)):
        metrics.failures_in_a_row.labels(key.scope, key.name).set(count)
