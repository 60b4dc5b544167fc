"""The platform that policies must know: gateways, DNS, Prometheus, probes, the mesh."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from homelab_netpol.cilium.terms import AMBIENT_PROBES_IPV6, MAX_PORTS
from homelab_netpol.settings.fields import (
    Cidr,
    ClusterName,
    DnsLabel,
    DnsSubdomain,
    Entity,
    LabelKey,
    LabelValue,
    PodLabels,
    PortNumber,
)
from homelab_netpol.settings.section import Section
from homelab_netpol.settings.shared_resource import Port, Protocol


class Hbone(StrEnum):
    """Whom a meshed namespace may reach on the mesh's tunnel port."""

    PERMISSIONS = "permissions"
    CLUSTER = "cluster"


class Mtls(StrEnum):
    """What meshed namespaces ask of whoever connects to them."""

    NONE = "none"
    STRICT = "strict"


class Pods(Section):
    """Pods of one namespace; without labels, all of them."""

    namespace: DnsLabel = Field(description="Where the pods are.")
    labels: PodLabels = Field(default_factory=dict, description="Labels that they all carry.")


class Cilium(Section):
    """Where Cilium's agents are, and the ConfigMap that they are configured by."""

    namespace: DnsLabel = Field(default="kube-system", description="Where both are.")
    config_map: DnsSubdomain = Field(default="cilium-config", description="The ConfigMap's name.")
    agent_labels: PodLabels = Field(
        default_factory=lambda: {"k8s-app": "cilium"},
        min_length=1,
        description="Labels of the agents' pods.",
    )


class Cluster(Section):
    """This cluster among others: in Cilium's cluster mesh pods reach those of other clusters."""

    name: ClusterName | None = Field(
        default=None,
        description="Its name, as `cluster-name` in Cilium's ConfigMap has it. Given, the pods that"
        " policies let in or lead to are this cluster's, whatever the version of Cilium: see"
        " [cluster-mesh.md](cluster-mesh.md). A name that the ConfigMap does not confirm is told,"
        " and not used.",
    )


class Gateways(Section):
    """The pods through which requests enter the cluster, told apart by one label."""

    namespace: DnsLabel = Field(default="istio-gateway", description="Where the gateways are.")
    label: LabelKey = Field(
        default="gateway.networking.k8s.io/gateway-name",
        description="The pod label that tells them apart.",
    )
    internal: LabelValue = Field(
        default="internal", description="Its value on the gateway for the home or office network."
    )
    external: LabelValue = Field(
        default="external", description="Its value on the gateway for the internet."
    )
    internal_service_account: DnsLabel = Field(
        default="internal-istio",
        description="The internal gateway's service account, by which the mesh knows it.",
    )
    external_service_account: DnsLabel = Field(
        default="external-istio", description="The external gateway's."
    )


class DnsService(Section):
    """The pods that answer DNS queries, and their ports."""

    namespace: DnsLabel = Field(default="kube-system", description="Where DNS is answered.")
    labels: PodLabels = Field(
        default_factory=lambda: {"k8s-app": "kube-dns"}, description="Labels of its pods."
    )
    ports: tuple[Port, ...] = Field(
        default=(Port(port=53, protocol=Protocol.UDP), Port(port=53, protocol=Protocol.TCP)),
        min_length=1,
        max_length=MAX_PORTS,
        description="Ports that every pod may ask.",
    )


class Prometheus(Section):
    """The pods that scrape metrics. Without ports they may reach any TCP port."""

    namespace: DnsLabel = Field(default="monitoring", description="Where Prometheus is.")
    labels: PodLabels = Field(
        default_factory=lambda: {"app.kubernetes.io/name": "prometheus"},
        description="Labels of its pods.",
    )
    ports: tuple[PortNumber, ...] = Field(
        default=(),
        max_length=MAX_PORTS,
        description="TCP ports that it may reach on every pod; empty: any of them.",
    )


class Probes(Section):
    """Where health probes come from."""

    entities: tuple[Entity, ...] = Field(
        default=("health", "host", "remote-node", "kube-apiserver"),
        min_length=1,
        description="Cilium entities that may probe every pod, on any port.",
    )
    cidrs: tuple[Cidr, ...] = Field(
        default=("169.254.0.0/16", AMBIENT_PROBES_IPV6),
        description="Networks that may, beside them.",
    )


class Mesh(Section):
    """Istio in ambient mode, for the namespaces that carry its label."""

    label: LabelKey = Field(
        default="istio.io/dataplane-mode", description="The Namespace label of the mesh."
    )
    value: LabelValue = Field(default="ambient", description="Its value in the mesh.")
    port: PortNumber = Field(default=15008, description="HBONE: the tunnel's port.")
    ztunnel: Pods = Field(
        default=Pods(namespace="istio-system", labels={"app": "ztunnel"}),
        description="The mesh's proxies on the nodes.",
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
