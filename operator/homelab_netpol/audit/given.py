"""What an audit is made of: the cluster as it stands, or as a tree says that it should stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.open_ports import OpenPorts
from homelab_netpol.cache.standing import standing_policies
from homelab_netpol.cilium.terms import POLICY_KINDS
from homelab_netpol.findings import Finding
from homelab_netpol.findings.inspection import Inspection
from homelab_netpol.intent import LastGood
from homelab_netpol.manifests import ManifestSet, kinds
from homelab_netpol.policy.desired import desired_state
from homelab_netpol.preflight.inspected import inspected
from homelab_netpol.preflight.known import as_live, known_of, sorted_inspection
from homelab_netpol.preflight.observed import snapshot_of
from homelab_netpol.settings import Settings

# What the operator's checks compare; without one of them they would find what is not so.
_INSPECTED = (*POLICY_KINDS, kinds.POD, kinds.SERVICE)


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
        findings: what these checks find; nothing where not all that they compare could be read.
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

    @property
    def pods_unread(self) -> bool:
        """Pods could not be read."""
        return kinds.POD in self.manifests.unread

    @property
    def is_inspected(self) -> bool:
        """The operator's checks were made: what they compare could be read."""
        return self.manifests.unread.isdisjoint(_INSPECTED)


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
    known = known_of(settings, manifests, now, standing_policies(manifests) if from_cluster else ())
    cache, namespaces = known.cache, manifests.namespaces()
    last_good = {name: cache.applied(name) for name in manifests.namespace_labels()}
    desired = desired_state(
        known.catalogue, namespaces, now, last_good=last_good, scope=known.scope
    )
    model = ClusterModel(manifests, desired, known.cilium.config, only_standing=from_cluster)
    if not from_cluster:
        taken = {(each.kind, each.namespace, each.name) for each in model.foreign}
        for policy in desired.policies:
            if tuple(policy.key) not in taken:
                cache.policies.observe(as_live(policy))
    own_cluster = cache.cluster_of_identities()
    snapshot = snapshot_of(manifests, model.foreign, known.workloads, own_cluster)
    inspection = sorted_inspection(Inspection(cache, snapshot))
    given = Given(
        settings,
        manifests,
        texts or {},
        from_cluster,
        source,
        now,
        model,
        OpenPorts(model),
        inspection,
        (),
        last_good,
    )
    return replace(given, findings=tuple(inspected(inspection))) if given.is_inspected else given
