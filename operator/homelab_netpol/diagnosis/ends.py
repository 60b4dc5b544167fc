"""The ends of a flow in a model of the cluster. Pure.

A pod is the model's where it has one with these labels; else it is made from the flow's labels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import ip_network

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.ends import End, Member
from homelab_netpol.access.ends_find import EndFinder
from homelab_netpol.access.ends_known import ENTITY_WORDS, name_of
from homelab_netpol.cilium.evaluation import Entity, Name, Network, Pod
from homelab_netpol.cilium.terms import is_dns_name
from homelab_netpol.diagnosis.group_key import EndKey
from homelab_netpol.manifests import kinds
from homelab_netpol.manifests.workloads import OF_REPLICAS, Workload, workload_of


class UnknownEnd(Exception):
    """Nothing can be asked about an end; the message says why."""


@dataclass(frozen=True, slots=True)
class FlowEnds:
    """Finds the ends of flows.

    Attributes:
        model: the cluster.
        finder: of its ends.
        given: the Namespaces that are given; others are only named by flows.
    """

    model: ClusterModel
    finder: EndFinder
    given: frozenset[str]

    def find(self, key: EndKey, *, is_own: bool) -> End:
        """The end that a flow has.

        Args:
            key: of the end.
            is_own: its policies dropped the flow; the other end's Namespace may be elsewhere, as
                in a tree of manifests that is not all of a cluster.

        Raises:
            UnknownEnd: its Namespace is gone, it is of another cluster, or nothing is known of it.
        """
        own = self.model.desired.catalogue.own_cluster.name
        if key.cluster and own and key.cluster != own:
            raise UnknownEnd(f"{key.words} is in the cluster {key.cluster}, and not in this one")
        if key.namespace:
            return self._pods(key, is_own=is_own)
        if key.entity == "world":
            return self._outside(key)
        if key.entity == "kube-apiserver" and key.place:
            known = replace(self.model.entity(key.entity), place=key.place)
            return End(key.entity, (Member(key.entity, known),))
        if key.entity in ENTITY_WORDS:
            return self.finder.known.entity(key.entity)
        if key.entity:
            return End(key.entity, (Member(key.entity, Entity(key.entity)),))
        raise UnknownEnd("the flow does not say between whom it was")

    def _outside(self, key: EndKey) -> End:
        if key.name and is_dns_name(key.name):
            return End(key.name, (Member(key.name, Name(key.name)),))
        if not key.address:
            return self.finder.known.internet()
        return End(key.address, (Member(key.address, Network(ip_network(key.address))),))

    def _pods(self, key: EndKey, *, is_own: bool) -> End:
        if is_own and key.namespace not in self.given:
            raise UnknownEnd(
                f"there is no Namespace {key.namespace} in what is given: it is gone, or its"
                " manifest is elsewhere"
            )
        workload = self._workload(key)
        if workload is None and not key.labels:
            pod = self.model.any_pod(key.namespace)
            return End(key.words, (Member(key.words, pod),))
        words = f"{key.namespace}/{name_of(workload)}" if workload is not None else key.words
        if not key.labels and workload is not None:
            return End(words, (Member(words, self.model.pod(workload), workload),))
        known = self.model.pod(workload) if workload is not None else None
        base = known or replace(
            self.model.any_pod(key.namespace), complete=True, service_account=key.account
        )
        # Of a pod that the model has, its own labels: it may have more than identities keep.
        made: Pod = base if known is not None else replace(base, labels=dict(key.labels))
        end = End(words, (Member(words, made, workload),))
        if key.namespace in self.given:
            return end
        return end.noting(f"{key.namespace} is not given: it is gone, or its manifest is elsewhere")

    def _workload(self, key: EndKey) -> Workload | None:
        """What makes the pods of a flow, by their labels, or by the pod's name."""
        there = [
            each for each in self.model.workloads.get(key.namespace, ()) if not each.host_network
        ]
        if key.labels:
            labels = dict(key.labels)
            fitting = [each for each in there if _fits(each, labels)]
            return min(fitting, key=lambda each: len(each.labels), default=None)
        pod = self.model.manifests.get(kinds.POD, key.pod, key.namespace) if key.pod else None
        if pod is not None:
            return workload_of(pod)
        named = [each for each in there if key.pod.startswith(f"{name_of(each)}-")]
        return max(named, key=lambda each: len(name_of(each)), default=None)


def _fits(workload: Workload, labels: dict[str, str]) -> bool:
    """Its pods have labels of the flow's, and no label that these contradict.

    Identities leave some labels out, so that a pod may have more than its flows.
    """
    own = {key: value for key, value in workload.labels.items() if key not in OF_REPLICAS}
    same = labels.items() & own.items()
    return bool(same) and labels.items() <= own.items()
