"""A cluster in memory, as an inspection sees it: what stands in it, and what others wrote."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from homelab_netpol.cache.cluster import ClusterCache
from homelab_netpol.cilium.evaluation import PolicyRef, read_policy
from homelab_netpol.cluster.snapshot import Snapshot
from homelab_netpol.findings.finding import Finding
from homelab_netpol.findings.inspection import Check, Inspection
from homelab_netpol.findings.inspector import CHECKS
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.desired import desired_policies
from homelab_netpol.policy.keys import CILIUM_KINDS
from homelab_netpol.policy.objects import LivePolicy, Policy
from homelab_netpol.reconcile.triggers import Triggers
from homelab_netpol.settings import Settings

Json = dict[str, Any]
Labels = Mapping[str, str]

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DOMAIN = "network-policy.homelab"
_NAME_LABEL = "kubernetes.io/metadata.name"


class Cluster:
    """Namespaces with the operator's policies for them, all of which stand.

    Attributes:
        cache: what the operator knows.
        own: its policies of Cilium's kinds, as manifests.
    """

    def __init__(
        self,
        namespaces: Mapping[str, Labels],
        catalogue: Catalogue | None = None,
        foreign: Iterable[Json] = (),
    ) -> None:
        """Makes it.

        Args:
            namespaces: the labels of each.
            catalogue: None: as it comes.
            foreign: policies of others, who may have taken names of the operator's.
        """
        catalogue = catalogue or _as_it_comes()
        self.cache = ClusterCache(catalogue)
        triggers = Triggers(self.cache, lambda: NOON)
        manifests = [_namespace(name, labels) for name, labels in namespaces.items()]
        for manifest in manifests:
            triggers.namespace_observed(self.cache.namespaces.read(manifest))
        taken = {(one["kind"], _namespace_of(one), one["metadata"]["name"]) for one in foreign}
        planned = [
            policy
            for policy in desired_policies(catalogue, manifests, NOON)
            if policy.key not in taken
        ]
        for policy in planned:
            self.cache.policies.observe(_live(policy))
        self.own = [_manifest(policy) for policy in planned if policy.key.kind in CILIUM_KINDS]

    def findings(
        self,
        check: Check,
        foreign: Iterable[Json] = (),
        pods: Mapping[str, Sequence[Labels]] | None = None,
    ) -> list[Finding]:
        """What a check finds when others wrote these policies, and run these pods."""
        return self.inspected(snapshot(foreign, pods), (Inspection.sort, check))

    def inspected(self, seen: Snapshot, checks: Iterable[Check] = CHECKS) -> list[Finding]:
        """What one inspection finds in all that was listed."""
        inspection = Inspection(self.cache, seen)
        found = (finding for check in checks for finding in check(inspection))
        return [finding for finding in found if finding is not None]


@functools.cache
def _as_it_comes() -> Catalogue:
    return Catalogue(Settings())


def snapshot(
    foreign: Iterable[Json], pods: Mapping[str, Sequence[Labels]] | None = None
) -> Snapshot:
    """What was listed."""
    policies: dict[str, list[Any]] = {}
    annotations: dict[PolicyRef, Labels] = {}
    for manifest in foreign:
        policy = read_policy(manifest)
        policies.setdefault(policy.ref.namespace, []).append(policy)
        noted = manifest["metadata"].get("annotations")
        if noted:
            annotations[policy.ref] = noted
    return Snapshot(policies, annotations, pods or {})


def _namespace_of(manifest: Json) -> str:
    namespace: str = manifest["metadata"].get("namespace", "")
    return namespace


def _namespace(name: str, labels: Labels) -> Json:
    own = {_NAME_LABEL: name, **labels}
    return {"metadata": {"name": name, "uid": name, "resourceVersion": "1", "labels": own}}


def _live(policy: Policy) -> LivePolicy:
    return LivePolicy(policy.key, "uid", "1", policy.labels, policy.annotations, policy.digest, "")


def _manifest(policy: Policy) -> Json:
    metadata: Json = {"name": policy.key.name, "labels": dict(policy.labels)}
    metadata["uid"] = f"own-{policy.key.namespace}-{policy.key.name}"
    if policy.key.namespace:
        metadata["namespace"] = policy.key.namespace
    return {
        "apiVersion": policy.key.kind.api_version,
        "kind": policy.key.kind.value,
        "metadata": metadata,
        **policy.body,
    }
