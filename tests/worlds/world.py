"""A world as data: settings, Namespaces with their pods, custom resources, hand-written policies.

It prints itself as the manifests that the operator reads, and knows nothing of what they mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tests.worlds.ends import ENTITIES, OUTSIDE, End, Pod
from tests.worlds.peers import Labelled, Peer, Requirement, selector
from tests.worlds.ports import IcmpItem, PortItem, Target
from tests.worlds.surroundings import Surroundings

D = "network-policy.homelab"
PROFILE = f"{D}/profile"
ENFORCEMENT = f"{D}/enforcement"
INTRA = f"{D}/intra-namespace"
PLATFORM_LABEL = f"{D}/platform"
GATEWAY_PORTS = f"{D}/gateway-ports"
INTERNET_PORTS = f"{D}/internet-ports"
LAN_PORTS = f"{D}/lan-ports"
WORLD_PORTS = f"{D}/world-ports"
WEBHOOKS = f"{D}/webhooks"
UNTIL = f"{D}/disabled-until"
MESH = "istio.io/dataplane-mode"
# The grant on the gateways; a shared resource of this name takes its place.
GATEWAY = "gateway"
USE_WAYPOINT = "istio.io/use-waypoint"
USE_WAYPOINT_NAMESPACE = "istio.io/use-waypoint-namespace"
INGRESS_USE_WAYPOINT = "istio.io/ingress-use-waypoint"


def access(resource: str) -> str:
    """The key of an access label."""
    return f"access.{D}/{resource}"


@dataclass(frozen=True)
class Rule:
    """One rule of one direction: peers of one kind, and ports, ICMP messages, or neither (all)."""

    peers: tuple[Peer, ...]
    ports: tuple[PortItem, ...] = ()
    icmps: tuple[IcmpItem, ...] = ()
    http: bool = False

    def covers(self, end: End, own: str, labelled: Labelled) -> bool:
        """Whether one of its peers is meant."""
        return any(peer.covers(end, own, labelled) for peer in self.peers)

    def opens(self, target: Target) -> bool:
        """Whether a port or message is among its own; without any, all are."""
        items: tuple[PortItem | IcmpItem, ...] = (*self.ports, *self.icmps)
        return not items or any(item.covers(target) for item in items)

    @property
    def opens_tcp(self) -> bool:
        """Whether it lets any TCP through that nobody looks into."""
        if self.http or self.icmps:
            return False
        return not self.ports or any(item.may_be_tcp for item in self.ports)

    @property
    def kind(self) -> str:
        """What reports call it."""
        how = " http" if self.http else " icmp" if self.icmps else ""
        return f"custom {self.peers[0].kind}{how}"

    def words(self, side: str) -> dict[str, Any]:
        """In Cilium's words; `side` is `from` or `to`."""
        rule: dict[str, Any] = {
            f"{side}{self.peers[0].field}": [peer.words() for peer in self.peers]
        }
        if self.ports:
            to_ports: dict[str, Any] = {"ports": [item.words() for item in self.ports]}
            to_ports |= {"rules": {"http": [{"method": "GET"}]}} if self.http else {}
            rule["toPorts"] = [to_ports]
        if self.icmps:
            rule["icmps"] = [{"fields": [item.words() for item in self.icmps]}]
        return rule


@dataclass(frozen=True)
class Space:
    """A Namespace with its pods."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    pods: tuple[Pod, ...] = ()

    def manifest(self) -> dict[str, Any]:
        """As the API server gives it."""
        labels = {**self.labels, "kubernetes.io/metadata.name": self.name}
        annotations = dict(self.annotations)
        metadata = {"name": self.name, "labels": labels, "annotations": annotations}
        return {"metadata": metadata | {"uid": f"uid-{self.name}"}}


@dataclass(frozen=True)
class Profile:
    """A NetworkProfile; with `mistake`, a field that does not exist is in it."""

    name: str
    extends: str | None = None
    intra_namespace: bool | None = None
    ingress: tuple[Rule, ...] = ()
    egress: tuple[Rule, ...] = ()
    mistake: bool = False

    def manifest(self) -> dict[str, Any]:
        """As the API server gives it."""
        spec: dict[str, Any] = {"toPort": []} if self.mistake else {}
        spec |= {"extends": self.extends} if self.extends is not None else {}
        if self.intra_namespace is not None:
            spec["intraNamespace"] = self.intra_namespace
        spec |= {"ingress": [rule.words("from") for rule in self.ingress]} if self.ingress else {}
        spec |= {"egress": [rule.words("to") for rule in self.egress]} if self.egress else {}
        return _custom("NetworkProfile", self.name, spec)


@dataclass(frozen=True)
class Resource:
    """A SharedResource; with `mistake`, a field that does not exist is in it.

    `peers` are entities, DNS names or networks; without any the resource is pods of `namespace`.
    """

    name: str
    ports: tuple[PortItem, ...]
    namespace: str = ""
    pod_labels: Mapping[str, str] = field(default_factory=dict)
    peers: tuple[Peer, ...] = ()
    target: str = "additive"
    allow_from: tuple[Requirement, ...] | None = None
    value_label: str = ""
    allow_all: bool = True
    mistake: bool = False

    def has(self, pod: Pod, value: str = "true") -> bool:
        """Whether a pod is part of it; of a value, of that part of it."""
        wanted = self.pod_labels.items()
        if value != "true" and pod.labels.get(self.value_label) != value:
            return False
        return pod.namespace == self.namespace and wanted <= dict(pod.labels).items()

    def manifest(self) -> dict[str, Any]:
        """As the API server gives it."""
        spec: dict[str, Any] = {"allowForm": {}} if self.mistake else {}
        spec |= {"namespace": self.namespace} if self.namespace else {}
        spec |= {"podLabels": dict(self.pod_labels)} if self.pod_labels else {}
        spec |= {"valueLabel": self.value_label} if self.value_label else {}
        spec |= {} if self.allow_all else {"allowAll": False}
        fields = {
            "Entities": "entities",
            "FQDNs": "fqdns",
            "CIDR": "cidrs",
            "CIDRSet": "cidrSets",
        }
        for peer in self.peers:
            spec.setdefault(fields[peer.field], []).append(peer.words())
        spec["ports"] = [item.resource_words() for item in self.ports]
        spec |= {"target": self.target} if self.target != "additive" else {}
        spec |= {"allowFrom": selector(self.allow_from)} if self.allow_from is not None else {}
        return _custom("SharedResource", self.name, spec)


@dataclass(frozen=True)
class HandMade:
    """A policy that somebody wrote; it switches on default deny in the directions that it has."""

    name: str
    namespace: str
    ingress: tuple[Rule, ...] = ()
    egress: tuple[Rule, ...] = ()

    def manifest(self) -> dict[str, Any]:
        """As the API server gives it."""
        spec: dict[str, Any] = {"endpointSelector": {}}
        spec |= {"ingress": [rule.words("from") for rule in self.ingress]} if self.ingress else {}
        spec |= {"egress": [rule.words("to") for rule in self.egress]} if self.egress else {}
        metadata = {"name": self.name, "namespace": self.namespace}
        kind = {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy"}
        return {**kind, "metadata": metadata, "spec": spec}


# The one of which the engine takes all pods to be.
ENGINES_CLUSTER = "default"


@dataclass(frozen=True)
class World:
    """Everything that decides who may talk to whom.

    Attributes:
        scope: the setting defaultDeny.
        hbone: the setting mesh.hbone.
        spaces: the Namespaces by name.
        profiles: the NetworkProfiles by name.
        resources: the SharedResources by name, beside those of the settings.
        hand_made: policies that are not the operator's.
        cluster: the setting cluster.name; "": none.
        around: the other settings.
    """

    scope: str = "workload"
    hbone: str = "permissions"
    spaces: Mapping[str, Space] = field(default_factory=dict)
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    resources: Mapping[str, Resource] = field(default_factory=dict)
    hand_made: tuple[HandMade, ...] = ()
    cluster: str = ""
    around: Surroundings = field(default_factory=Surroundings)

    @cached_property
    def labelled(self) -> Labelled:
        """The labels of every Namespace, with the one that Kubernetes adds."""
        return {
            name: {**space.labels, "kubernetes.io/metadata.name": name}
            for name, space in self.spaces.items()
        }

    @cached_property
    def pods(self) -> tuple[Pod, ...]:
        """All pods."""
        return tuple(pod for space in self.spaces.values() for pod in space.pods)

    @cached_property
    def ends(self) -> tuple[End, ...]:
        """Everything that a flow may begin or end at."""
        return (*self.pods, *ENTITIES, *OUTSIDE)


def _custom(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    version = {"apiVersion": f"{D}/v1alpha1", "kind": kind}
    return {**version, "metadata": {"name": name, "generation": 1}, "spec": spec}
