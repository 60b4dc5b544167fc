"""Istio in ambient mode, as policies must know it."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Self

from pydantic import Field, model_validator

from homelab_netpol.cilium.terms import AMBIENT_PROBES_IPV6
from homelab_netpol.settings.fields import (
    Cidr,
    DnsLabel,
    DnsSubdomain,
    LabelKey,
    LabelValue,
    PortNumber,
)
from homelab_netpol.settings.moved import refuse_single_pods
from homelab_netpol.settings.peer import Peer, Peers
from homelab_netpol.settings.section import Section


class Hbone(StrEnum):
    """Whom a meshed namespace may reach on the mesh's tunnel port."""

    PERMISSIONS = "permissions"
    CLUSTER = "cluster"


class Mtls(StrEnum):
    """What meshed namespaces ask of their clients."""

    NONE = "none"
    STRICT = "strict"


class Mesh(Section):
    """Istio in ambient mode, for the namespaces that carry its label."""

    label: LabelKey = Field(
        default="istio.io/dataplane-mode", description="The Namespace label of the mesh."
    )
    value: LabelValue = Field(default="ambient", description="Its value in the mesh.")
    port: PortNumber = Field(default=15008, description="HBONE: the tunnel's port.")
    ztunnel: Peers = Field(
        default=(Peer(namespace="istio-system", pod_labels={"app": "ztunnel"}),),
        description="The mesh's proxies on the nodes.",
    )
    waypoints: Peers = Field(
        default=(),
        description="Waypoints that calls may go by besides those that Namespaces' labels name: one"
        " that stands before many, or before Services by their own labels. Every grant between"
        " meshed namespaces opens the tunnel to and from their pods as well. A client that is let"
        " in to one reaches whatever it leads to, unless policies of Istio's own that are attached"
        " to it say otherwise.",
    )
    probe_cidrs: tuple[Cidr, ...] = Field(
        default=("169.254.7.127/32", AMBIENT_PROBES_IPV6),
        description="The addresses that ambient mode gives to the kubelet's probes.",
    )
    hbone: Hbone = Field(
        default=Hbone.PERMISSIONS,
        description="`permissions`: the tunnel follows profiles and grants; `cluster`: every peer"
        " in the cluster may use it with a meshed namespace.",
    )
    authorization_policies: bool = Field(
        default=False,
        description="Write Istio's AuthorizationPolicies: ports hold inside the tunnel too.",
    )
    mtls: Mtls = Field(
        default=Mtls.NONE,
        description="`strict`: governed meshed namespaces take no plain connections (a Prometheus"
        " outside the mesh can then not scrape them); `none`: nothing is written.",
    )
    trust_domain: DnsSubdomain = Field(
        default="cluster.local", description="The mesh's trust domain."
    )
    root_namespace: DnsLabel = Field(
        default="istio-system",
        description="Istio's root namespace. A policy of Istio's there would be one for the whole"
        " mesh, so none is written: not for the hatch, nor beside a shared resource there.",
    )

    @property
    def writes_istio(self) -> bool:
        """Policies of Istio's own kinds are wanted, in addition to Cilium's."""
        return self.authorization_policies or self.mtls is Mtls.STRICT

    @model_validator(mode="after")
    def _waypoints_are_pods(self) -> Self:
        for number, peer in enumerate(self.waypoints):
            if not peer.is_pods:
                raise ValueError(
                    f"`waypoints[{number}]` must be pods, by `namespace` or `selector`: no waypoint"
                    f" is {peer}"
                )
        return self

    @model_validator(mode="before")
    @classmethod
    def _refuse_old(cls, data: Any) -> Any:
        return refuse_single_pods(data, "mesh", "ztunnel")
