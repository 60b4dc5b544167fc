"""What an audit is made of: the cluster as it stands, or as a tree says that it should stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.open_ports import OpenPorts
from homelab_netpol.cache.standing import last_good_in, standing_policies
from homelab_netpol.cilium.terms import POLICY_KINDS
from homelab_netpol.findings import Finding
from homelab_netpol.findings.inspection import Inspection
from homelab_netpol.intent import LastGood
from homelab_netpol.manifests import ManifestSet
from homelab_netpol.manifests.workloads import workloads
from homelab_netpol.policy.desired import desired_state
from homelab_netpol.policy.keys import Kind
from homelab_netpol.policy.objects import read_live
from homelab_netpol.preflight.inspected import inspected
from homelab_netpol.preflight.known import (
    as_live,
    cache_of,
    catalogue_in,
    decided_scope,
    namespaces_still_open,
    sorted_inspection,
)
from homelab_netpol.preflight.observed import cilium_state, snapshot_of
from homelab_netpol.settings import Settings


@dataclass(frozen=True)
class Given:
    """Everything that the parts of an audit look at.

    Attributes:
        settings: the operator's.
        manifests: all objects.
        texts: what files hold, by the name that sources have.
        from_cluster: the objects are a cluster's, and its policies those that stand.
        source: `cluster NAME`, or `files`.
        now: the time, by which hatches close.
        model: the cluster as verdicts need it.
        open_ports: verdicts that are known.
        inspection: the cluster as the operator's checks need it.
        findings: what these checks find.
        last_good: what the cluster remembers of each Namespace.
    """

    settings: Settings
    manifests: ManifestSet
    texts: Mapping[str, str]
    from_cluster: bool
    source: str
    now: datetime
    model: ClusterModel
    open_ports: OpenPorts
    inspection: Inspection
    findings: tuple[Finding, ...]
    last_good: Mapping[str, LastGood]

    @property
    def policies_unread(self) -> bool:
        """Some kind of policy could not be read."""
        return not self.manifests.unread.isdisjoint(POLICY_KINDS)


def make_given(
    settings: Settings,
    manifests: ManifestSet,
    now: datetime,
    *,
    source: str = "files",
    from_cluster: bool = False,
    texts: Mapping[str, str] | None = None,
) -> Given:
    """Works out what follows from what is given.

    Args:
        settings: the operator's.
        manifests: all objects.
        now: the time.
        source: what they are of.
        from_cluster: the operator's policies are those that stand, and no others.
        texts: what files hold.

    Raises:
        ManifestError: an object is not described as it must be.
        RenderError: a template cannot be rendered.
    """
    pods, cilium = workloads(manifests), cilium_state(settings, manifests)
    catalogue = catalogue_in(settings, manifests, cilium)
    cache = cache_of(catalogue, cilium, manifests, now, settings.default_deny)
    scope = decided_scope(settings.default_deny, namespaces_still_open(cache, pods))
    cache.set_scope(scope.in_the_end)
    last_good = last_good_in(settings, manifests) if from_cluster else {}
    namespaces = manifests.namespaces()
    desired = desired_state(catalogue, namespaces, now, last_good=last_good, scope=scope)
    model = ClusterModel(manifests, desired, cilium.config, only_standing=from_cluster)
    taken = {(each.kind, each.namespace, each.name) for each in model.foreign}
    if from_cluster:
        for data in standing_policies(manifests):
            cache.policies.observe(read_live(Kind(data["kind"]), data))
    else:
        for policy in desired.policies:
            if tuple(policy.key) not in taken:
                cache.policies.observe(as_live(policy))
    snapshot = snapshot_of(manifests, model.foreign, pods, cache.cluster_of_identities())
    inspection = sorted_inspection(Inspection(cache, snapshot))
    return Given(
        settings,
        manifests,
        texts or {},
        from_cluster,
        source,
        now,
        model,
        OpenPorts(model),
        inspection,
        tuple(inspected(inspection)),
        last_good,
    )
