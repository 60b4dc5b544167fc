"""The cluster as it is, and as it would be: caches and snapshots made of manifests, in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from homelab_netpol.cache.cluster import ClusterCache
from homelab_netpol.cilium.evaluation import PolicyRef
from homelab_netpol.cilium.terms import POLICY_KINDS
from homelab_netpol.cluster.snapshot import Snapshot
from homelab_netpol.findings.inspection import Inspection
from homelab_netpol.manifests import Manifest, ManifestSet
from homelab_netpol.manifests.workloads import Workload
from homelab_netpol.policy.desired import desired_policies
from homelab_netpol.policy.keys import Kind, PolicyKey
from homelab_netpol.policy.objects import Policy, is_managed
from homelab_netpol.policy.take_over import OthersPolicy, read_others_policy
from homelab_netpol.preflight.known import (
    as_live,
    cache_of,
    known_of,
    sorted_inspection,
    stamped,
)
from homelab_netpol.preflight.observed import as_kubernetes_has_it, snapshot_of
from homelab_netpol.settings import DefaultDeny, Settings


@dataclass(frozen=True)
class Stages:
    """Both stages, and what lies between them.

    Attributes:
        manifests: all objects.
        workloads: what makes pods, or pods.
        settings: those that are asked about.
        before: the cluster as it is, without what the operator may have written already.
        after: with the operator, and without the policies that are handed over to it.
        in_the_end: likewise, once all policies that have its names are gone.
        scope: where default deny is in force after; `auto` has been decided.
        still_open: the namespaces that keep `auto` from closing, or that a wider scope closes.
        planned: what the operator wants to write.
        taken: of these the names that policies of others have.
    """

    manifests: ManifestSet
    workloads: Sequence[Workload]
    settings: Settings
    before: Inspection
    after: Inspection
    in_the_end: Inspection
    scope: DefaultDeny
    still_open: Sequence[str]
    planned: Sequence[Policy]
    taken: Mapping[PolicyKey, OthersPolicy]

    @property
    def cache(self) -> ClusterCache:
        """What the operator knows."""
        return self.after.cache


def make_stages(settings: Settings, manifests: ManifestSet, now: datetime) -> Stages:
    """Makes them.

    Raises:
        ManifestError: an object is not described as it must be.
        RenderError: a template cannot be rendered.
    """
    known = known_of(settings, manifests, now)
    scope, namespaces = known.scope, manifests.namespaces()
    planned = desired_policies(known.catalogue, namespaces, now, scope=scope)
    foreign = [
        each for kind in POLICY_KINDS for each in manifests.of(kind) if not is_managed(each.labels)
    ]
    taken = _taken(known.cache, planned, foreign)
    handed_over = {key for key, other in taken.items() if other.handed_over}
    own_cluster = known.cache.cluster_of_identities()
    everything = snapshot_of(manifests, foreign, known.workloads, own_cluster)

    def stage(left_out: Iterable[PolicyKey], own: Iterable[Policy]) -> Inspection:
        cache = cache_of(known.catalogue, known.cilium, manifests, now, scope)
        for policy in own:
            cache.policies.observe(as_live(policy))
        return sorted_inspection(Inspection(cache, _without(everything, left_out)))

    standing = [each for each in planned if each.key not in taken or each.key in handed_over]
    after = stage(handed_over, standing)
    return Stages(
        manifests,
        known.workloads,
        settings,
        before=stage((), ()),
        after=after,
        in_the_end=stage(taken, planned) if taken else after,
        scope=scope,
        still_open=known.still_open,
        planned=planned,
        taken=taken,
    )


def _without(snapshot: Snapshot, left_out: Iterable[PolicyKey]) -> Snapshot:
    """A snapshot without some policies."""
    gone = {PolicyRef(each.kind.value, each.namespace, each.name) for each in left_out}
    policies = {
        namespace: [policy for policy in found if policy.ref not in gone]
        for namespace, found in snapshot.policies.items()
    }
    annotations = {ref: kept for ref, kept in snapshot.annotations.items() if ref not in gone}
    return replace(snapshot, policies=policies, annotations=annotations)


def _key(manifest: Manifest) -> PolicyKey | None:
    kind = next((kind for kind in Kind if kind.value == manifest.kind), None)
    return PolicyKey(kind, manifest.namespace, manifest.name) if kind is not None else None


def _taken(
    cache: ClusterCache, planned: Iterable[Policy], foreign: Iterable[Manifest]
) -> dict[PolicyKey, OthersPolicy]:
    wanted = {policy.key for policy in planned}
    found: dict[PolicyKey, OthersPolicy] = {}
    for each in foreign:
        key = _key(each)
        if key is not None and key in wanted:
            with as_kubernetes_has_it(each):
                data = stamped(each.data)
                found[key] = read_others_policy(key.kind, data, cache.label_keys.take_over)
    return found
