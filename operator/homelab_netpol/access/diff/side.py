"""One of the two trees that are compared: its Namespaces, and the policies in force in it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.diff.rules import Labels
from homelab_netpol.cilium.evaluation import PolicyRef, ReadPolicy, in_cluster, read_policy
from homelab_netpol.intent import Intent
from homelab_netpol.manifests import ManifestSet, kinds
from homelab_netpol.policy.desired import DesiredState

Object = Mapping[str, Any]


class Side:
    """A tree, or a cluster.

    Attributes:
        manifests: all objects that are given.
        desired: what the operator would do with them.
        is_written: the operator's policies are those that are given, as a cluster has them.
        policies: those in force: the operator's and others'.
        istio: what the operator would write for Istio, by the same key.
    """

    def __init__(
        self,
        manifests: ManifestSet,
        desired: DesiredState,
        *,
        replace: bool = False,
        retained: Iterable[Object] = (),
    ) -> None:
        """Joins them.

        Args:
            manifests: all objects that are given.
            desired: what the operator would do with them.
            replace: the operator's policies among them count for nothing.
            retained: policies of the operator's that it leaves as they stand, beside those.
        """
        model = ClusterModel(manifests, desired, replace=replace)
        self.manifests = manifests
        self.desired = desired
        self.is_written = model.is_written
        self.policies: dict[PolicyRef, Object] = {}
        for each in (*(one.data for one in model.foreign), *model.own, *retained):
            self.policies[ref_of(each)] = each
        self.istio: dict[PolicyRef, Object] = {
            ref_of(each): each
            for each in desired.objects
            if each["apiVersion"].startswith("security.istio.io/")
        }
        self._read: dict[PolicyRef, ReadPolicy] = {}

    @cached_property
    def namespaces(self) -> dict[str, Labels]:
        """The labels of each Namespace, by its name."""
        return self.manifests.namespace_labels()

    @cached_property
    def given(self) -> frozenset[str]:
        """The Namespaces that have a manifest; others are only named by objects in them."""
        return frozenset(each.name for each in self.manifests.of(kinds.NAMESPACE))

    @property
    def intents(self) -> Mapping[str, Intent]:
        """What each Namespace wants."""
        return self.desired.intents

    def labels(self, name: str) -> Labels:
        """The labels of a Namespace; one that is not given counts as one without any."""
        return self.namespaces.get(name) or {"kubernetes.io/metadata.name": name}

    @cached_property
    def refs(self) -> dict[str, list[PolicyRef]]:
        """The policies of each namespace; of "" the clusterwide ones."""
        found: dict[str, list[PolicyRef]] = {}
        for ref in self.policies:
            found.setdefault(ref.namespace, []).append(ref)
        return found

    def read(self, refs: Iterable[PolicyRef]) -> list[ReadPolicy]:
        """What some policies say; those that are not here say nothing."""
        cluster = self.desired.catalogue.own_cluster.name
        found = []
        for ref in refs:
            if ref not in self.policies:
                continue
            policy = self._read.get(ref)
            if policy is None:
                policy = read_policy(self.policies[ref])
                if cluster is not None:
                    policy = in_cluster(policy, cluster)
                self._read[ref] = policy
            found.append(policy)
        return found


def ref_of(manifest: Object) -> PolicyRef:
    """Which policy a manifest is."""
    return PolicyRef(manifest["kind"], *_place(manifest))


def _place(manifest: Object) -> tuple[str, str]:
    metadata = manifest["metadata"]
    return metadata.get("namespace") or "", metadata["name"]
