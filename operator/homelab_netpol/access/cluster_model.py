"""A cluster as verdicts need it: Namespaces, pods, and the policies that hold them. Pure."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Any

import orjson

from homelab_netpol.access.surroundings import OwnAddresses, own_addresses, surroundings_of
from homelab_netpol.cilium.agent_config import AgentConfig
from homelab_netpol.cilium.evaluation import (
    ContainerPort,
    Entity,
    Pod,
    PolicyRef,
    ReadPolicy,
    Surroundings,
    in_surroundings,
    read_policy,
)
from homelab_netpol.cilium.terms import (
    POLICY_KINDS,
)
from homelab_netpol.manifests import Manifest, ManifestSet
from homelab_netpol.manifests.workloads import Workload, workloads
from homelab_netpol.policy.desired import DesiredState
from homelab_netpol.policy.objects import is_managed


class ClusterModel:
    """What is given of a cluster.

    The operator's own policies are those that are given, as a cluster has them; where none is, as
    in a tree of manifests, those that it would write.

    Attributes:
        manifests: all objects that are given.
        desired: what the operator would do.
        config: how Cilium's agents are configured; None: not known.
        is_written: the operator's policies are those that are given.
    """

    def __init__(
        self,
        manifests: ManifestSet,
        desired: DesiredState,
        config: AgentConfig | None = None,
        *,
        replace: bool = False,
        read: dict[bytes, ReadPolicy] | None = None,
        only_standing: bool = False,
    ) -> None:
        """Joins them.

        Args:
            manifests: all objects.
            desired: what the operator would do with them.
            config: how Cilium's agents are configured; None: not known.
            replace: take what the operator would write also where some is given: to ask what a
                changed label would do.
            read: clusterwide policies that another model has read, of which hardly any differ in a
                cluster with another label; None: nothing is known.
            only_standing: take none that does not stand, though the operator would write it.
        """
        self.manifests = manifests
        #: The clusterwide policies that were read, by their JSON.
        self.read: dict[bytes, ReadPolicy] = {} if read is None else read
        self.desired = desired
        self.config = config
        given = [each for kind in POLICY_KINDS for each in manifests.of(kind)]
        # One that is only written in a file, the operator would change or take away.
        own = [each for each in given if is_managed(each.labels) and each.stands]
        self.is_written = (bool(own) or only_standing) and not replace
        #: Policies of others, as they were given.
        self.foreign: Sequence[Manifest] = [each for each in given if not is_managed(each.labels)]
        # The operator leaves a name alone that a policy of others has.
        taken = {(each.kind, each.namespace, each.name) for each in self.foreign}
        #: The operator's, as they are given or as it would write them.
        self.own: Sequence[Mapping[str, Any]] = (
            [each.data for each in own]
            if self.is_written
            else [each for each in desired.cilium_objects if _key(each) not in taken]
        )
        self._read: dict[str, tuple[ReadPolicy, ...]] = {}

    @cached_property
    def namespaces(self) -> dict[str, Mapping[str, str]]:
        """The labels of each Namespace, by its name."""
        return self.manifests.namespace_labels()

    @cached_property
    def workloads(self) -> dict[str, list[Workload]]:
        """The workloads of each namespace that has any."""
        found: defaultdict[str, list[Workload]] = defaultdict(list)
        for each in workloads(self.manifests):
            found[each.namespace].append(each)
        return dict(found)

    @property
    def in_force(self) -> list[Mapping[str, Any]]:
        """The manifests of all policies that count, as Cilium would be given them."""
        return [*(each.data for each in self.foreign), *self.own]

    def policies(self, namespace: str) -> tuple[ReadPolicy, ...]:
        """All policies that may select pods of a namespace."""
        if namespace not in self._read:
            self._read[namespace] = tuple(map(self._policy, self._given.get(namespace, ())))
        return (*self._read[namespace], *self._clusterwide) if namespace else self._read[""]

    def manifest_of(self, ref: PolicyRef) -> Mapping[str, Any] | None:
        """A policy as it was given, or as the operator would write it; None: it is not there."""
        for data in self._given.get(ref.namespace, ()):
            if data["kind"] == ref.kind and data["metadata"]["name"] == ref.name:
                return data
        return None

    def manifests_for(self, namespaces: Collection[str]) -> list[Mapping[str, Any]]:
        """The policies that may select pods of some namespaces, as they were given."""
        return [each for name in ("", *sorted(namespaces)) for each in self._given.get(name, ())]

    def is_own(self, ref: PolicyRef) -> bool:
        """A policy is the operator's."""
        data = self.manifest_of(ref)
        return data is not None and is_managed(data["metadata"].get("labels") or {})

    def pods(self, namespace: str) -> list[Pod]:
        """The pods of a namespace that policies hold; where none is known, one that may be any."""
        found = [
            self.pod(each) for each in self.workloads.get(namespace, ()) if not each.host_network
        ]
        return found or [self.any_pod(namespace)]

    def pod(self, workload: Workload) -> Pod:
        """A workload's pods, as an end of a connection."""
        named = (each for each in workload.ports if each.name and not each.sidecar)
        return dataclasses.replace(
            self.any_pod(workload.namespace),
            labels=workload.labels,
            complete=True,
            service_account=workload.service_account,
            ports=tuple(ContainerPort(each.name, each.number, each.protocol) for each in named),
        )

    def any_pod(self, namespace: str) -> Pod:
        """Whatever pod there may be in a namespace."""
        return Pod(
            namespace,
            self.namespaces.get(namespace),
            complete=False,
            identity_labels=self.config.identity_labels if self.config else None,
            by_cidr=self.config is not None and "pods" in self.config.matched_by_cidr,
        )

    def entity(self, name: str) -> Entity:
        """One of Cilium's entities, with what is known of its place and addresses.

        The API server on one of several nodes is at `remote-node`, as all pods but those beside it
        meet it, and a node is one without it. The only node of a cluster is both.
        """
        by_cidr = "nodes" in self.config.matched_by_cidr if self.config is not None else None
        own = self.own_addresses
        if name != "kube-apiserver":
            both = name == own.api_server_place == "host"
            return Entity(name, nodes_by_cidr=by_cidr, with_api_server=both)
        return Entity(name, own.api_server_place, own.api_server, by_cidr)

    @cached_property
    def own_addresses(self) -> OwnAddresses:
        """The addresses of nodes and of the API server."""
        return own_addresses(self.manifests)

    @cached_property
    def surroundings(self) -> Surroundings:
        """What policies may name by other objects."""
        return surroundings_of(self.manifests, self.desired.catalogue.own_cluster.name)

    @property
    def _clusterwide(self) -> tuple[ReadPolicy, ...]:
        return self.policies("")

    @cached_property
    def _given(self) -> dict[str, list[Mapping[str, Any]]]:
        """The manifests of the policies by namespace; those of most are never read."""
        found: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for data in self.in_force:
            found[data["metadata"].get("namespace") or ""].append(data)
        return dict(found)

    def _policy(self, data: Mapping[str, Any]) -> ReadPolicy:
        if data["metadata"].get("namespace"):
            return in_surroundings(read_policy(data), self.surroundings)
        key = orjson.dumps(data)
        if key not in self.read:
            self.read[key] = read_policy(data)
        return in_surroundings(self.read[key], self.surroundings)


def _key(manifest: Mapping[str, Any]) -> tuple[str, str, str]:
    metadata = manifest["metadata"]
    return manifest["kind"], metadata.get("namespace") or "", metadata["name"]
