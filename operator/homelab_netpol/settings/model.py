"""What can be set, what each setting is for, and its default.

Keys in the file are camelCase, as everywhere in Kubernetes; unknown keys are errors, because a
mistyped key that is ignored is a policy that nobody asked for.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from homelab_netpol.settings.fields import (
    Cidr,
    DnsLabel,
    DnsSubdomain,
    Entity,
    LabelKey,
    LabelValue,
    PodLabels,
    PortNumber,
)
from homelab_netpol.settings.section import Section
from homelab_netpol.settings.shared_resource import Port, Protocol, SharedResource


class DefaultDeny(StrEnum):
    """Which namespaces deny what nothing allows."""

    WORKLOAD = "workload"
    LABELLED = "labelled"
    CLUSTER = "cluster"


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
        max_length=40,
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
        max_length=40,
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
        default=("169.254.0.0/16",), description="Networks that may, beside them."
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
        default=("169.254.7.127/32",),
        description="The address that ambient mode gives to the kubelet's probes.",
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

    @property
    def writes_istio(self) -> bool:
        """Policies of Istio's own kinds are asked for."""
        return self.authorization_policies or self.mtls is Mtls.STRICT


class Server(Section):
    """Where /metrics, /healthz and /readyz answer."""

    address: str = Field(
        default="0.0.0.0",  # noqa: S104 - probes and scrapers come from outside the Pod
        description="The address to listen on.",
    )
    port: Annotated[int, Field(ge=0, le=65535)] = Field(
        default=8080, description="The port to listen on."
    )


class LeaderElection(Section):
    """One replica writes, the others wait. Without `enabled`: only inside a cluster."""

    enabled: bool | None = Field(
        default=None, description="Unset: only when running in a Pod, with its service account."
    )
    namespace: DnsLabel | None = Field(
        default=None, description="Of the Lease; without it, the Pod's own namespace."
    )
    name: DnsLabel = Field(default="homelab-netpol", description="Of the Lease.")
    lease_seconds: Annotated[int, Field(ge=3, le=300)] = Field(
        default=15, description="After so long without a sign of the leader, another takes over."
    )


class Admission(Section):
    """What the admission policies compare labels with: a ConfigMap that the operator keeps."""

    enabled: bool = Field(
        default=False, description="Keep it; for the component manifests/components/admission."
    )
    namespace: DnsLabel = Field(
        default="homelab-netpol", description="Where the policies' bindings look for it."
    )
    name: DnsSubdomain = Field(
        default="homelab-netpol-vocabulary", description="The name that they look for."
    )


class LogFormat(StrEnum):
    """How a line of the log looks."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """The least severe lines that are shown."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Logging(Section):
    """The operator's log, on standard error."""

    format: LogFormat = Field(default=LogFormat.TEXT, description="`text` or `json`.")
    level: LogLevel = Field(
        default=LogLevel.INFO, description="`debug`, `info`, `warning` or `error`."
    )


# The hand-kept namespaces of the vocabulary; the operator's own is among them, so that no label can
# make it cut itself off.
_PLATFORM_NAMESPACES = (
    "kube-system",
    "kube-public",
    "kube-node-lease",
    "monitoring",
    "database",
    "cache",
    "garage",
    "istio-system",
    "istio-gateway",
    "flux-system",
    "argocd",
    "longhorn-system",
    "cert-manager",
    "homelab-netpol",
)


def _default_shared_resources() -> dict[str, SharedResource]:
    return {
        "postgres": SharedResource(namespace="database", ports=(Port(port=5432),)),
        "dragonfly": SharedResource(namespace="cache", ports=(Port(port=6379),)),
        "garage-s3": SharedResource(namespace="garage", ports=(Port(port=3900),)),
        "kube-api": SharedResource(
            entities=("kube-apiserver",), ports=(Port(port=6443), Port(port=443))
        ),
    }


def _about(section: type[Section]) -> str:
    return " ".join((section.__doc__ or "").split())


class Settings(Section):
    """Everything that can be set."""

    label_domain: DnsSubdomain = Field(
        default="network-policy.homelab",
        description="The labels' domain: `DOMAIN/profile`, `access.DOMAIN/RESOURCE` and so on.",
    )
    default_deny: DefaultDeny = Field(
        default=DefaultDeny.WORKLOAD,
        description="Who is denied what nothing allows. `workload`: every namespace but the"
        " platform ones. `labelled`: only namespaces with a profile. `cluster`: all of them; write"
        " the platform's own policies first, as then kube-dns, too, answers only whom one of them"
        " lets in, and a gateway reaches only what one of them lets it.",
    )
    platform_namespaces: tuple[DnsLabel, ...] = Field(
        default=_PLATFORM_NAMESPACES,
        description="Namespaces with hand-kept policies; a profile on one is refused.",
    )
    gateways: Gateways = Field(default=Gateways(), description=_about(Gateways))
    dns: DnsService = Field(default=DnsService(), description=_about(DnsService))
    prometheus: Prometheus = Field(default=Prometheus(), description=_about(Prometheus))
    probes: Probes = Field(default=Probes(), description=_about(Probes))
    mesh: Mesh = Field(default=Mesh(), description=_about(Mesh))
    shared_resources: dict[DnsLabel, SharedResource] = Field(
        default_factory=_default_shared_resources,
        description="What access labels grant, by the label's suffix: see below. Entries join the"
        " built-in ones; an entry of a built-in name replaces it. The custom resource"
        " SharedResource says the same in the cluster.",
    )
    templates: Path | None = Field(
        default=None,
        description="A directory searched for templates before the built-in ones.",
    )
    resync_seconds: Annotated[float, Field(ge=1, le=86400)] = Field(
        default=300.0,
        description="How often everything is listed and compared, in case a watch lost something.",
    )
    inspection_seconds: Annotated[float, Field(ge=1, le=86400)] = Field(
        default=60.0,
        description="How often the targets of grants, and the platform's own policies, are looked"
        " at.",
    )
    workers: Annotated[int, Field(ge=1, le=64)] = Field(
        default=16, description="How many namespaces are worked on at the same time."
    )
    request_timeout_seconds: Annotated[float, Field(ge=1, le=300)] = Field(
        default=10.0, description="How long one request to the API server may take."
    )
    server: Server = Field(default=Server(), description=_about(Server))
    leader_election: LeaderElection = Field(
        default=LeaderElection(), description=_about(LeaderElection)
    )
    admission: Admission = Field(default=Admission(), description=_about(Admission))
    logging: Logging = Field(default=Logging(), description=_about(Logging))

    @model_validator(mode="before")
    @classmethod
    def _keep_builtin_resources(cls, data: object) -> object:
        if not isinstance(data, dict):
            return data
        given = data.get("sharedResources", data.get("shared_resources"))
        if not isinstance(given, dict):
            return data
        merged = {**_default_shared_resources(), **given}
        return {k: v for k, v in data.items() if k != "shared_resources"} | {
            "sharedResources": merged
        }

    def is_built_in(self, resource: str) -> bool:
        """The shared resource of this name is one of the built-in ones, as it comes."""
        default = _default_shared_resources().get(resource)
        return default is not None and default == self.shared_resources.get(resource)

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        if len(set(self.platform_namespaces)) != len(self.platform_namespaces):
            raise ValueError("platformNamespaces: a namespace is named twice")
        return self
