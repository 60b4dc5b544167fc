"""An inspection without a cluster: the caches, made from manifests, and the operator's checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from homelab_netpol.cache.cluster import ClusterCache
from homelab_netpol.cluster.snapshot import Snapshot
from homelab_netpol.findings import Finding
from homelab_netpol.findings.inspection import Inspection
from homelab_netpol.findings.inspector import CHECKS
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.objects import LivePolicy, Policy
from homelab_netpol.reconcile.triggers import Triggers
from homelab_netpol.settings import Settings
from tests.desired import desired_policies


def known_cluster(
    settings: Settings,
    namespaces: Iterable[Mapping[str, Any]],
    *,
    missing: Iterable[str] = (),
) -> ClusterCache:
    """A cluster whose policies of the operator all stand.

    Args:
        settings: of the operator.
        namespaces: their manifests, of which only names, labels and annotations need be there.
        missing: the names of policies of the operator that do not stand.
    """
    cache = ClusterCache(Catalogue(settings))
    triggers, absent = Triggers(cache), set(missing)
    manifests = [
        {"metadata": {"uid": f"uid-{number}", "resourceVersion": str(number), **each["metadata"]}}
        for number, each in enumerate(namespaces, 1)
    ]
    for manifest in manifests:
        triggers.namespace_observed(cache.namespaces.read(manifest))
    for policy in desired_policies(cache.catalogue, manifests, datetime.now(UTC)):
        if policy.key.name not in absent:
            cache.policies.observe(_live(policy))
    return cache


def run_checks(cache: ClusterCache, snapshot: Snapshot) -> list[Finding]:
    """What the checks find, as one inspection reports it."""
    inspection = Inspection(cache, snapshot)
    found = (finding for check in CHECKS for finding in check(inspection))
    return [finding for finding in found if finding is not None]


def _live(policy: Policy) -> LivePolicy:
    return LivePolicy(
        key=policy.key,
        uid=str(policy.key),
        resource_version="1",
        labels=policy.labels,
        annotations=policy.annotations,
        digest=policy.digest,
        created="2026-01-01T00:00:00Z",
    )
