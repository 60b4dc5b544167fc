"""What can be set, what each setting is for, and its default.

Keys in the file are camelCase, as everywhere in Kubernetes; unknown keys are errors, because a
mistyped key that is ignored leaves a policy as it was not meant.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from homelab_netpol.settings.fields import DnsLabel, DnsSubdomain, NamespacePattern
from homelab_netpol.settings.platform import Cilium, DnsService, Gateways, Mesh, Probes, Prometheus
from homelab_netpol.settings.process import Admission, LeaderElection, Logging, Server
from homelab_netpol.settings.section import Section
from homelab_netpol.settings.shared_resource import Port, SharedResource


class DefaultDeny(StrEnum):
    """Which namespaces deny what nothing allows."""

    AUTO = "auto"
    WORKLOAD = "workload"
    LABELLED = "labelled"
    CLUSTER = "cluster"

    @property
    def in_the_end(self) -> DefaultDeny:
        """Itself; of `auto`, what it comes to once nobody would be cut off."""
        return DefaultDeny.WORKLOAD if self is DefaultDeny.AUTO else self


# The hand-kept namespaces of the vocabulary, and those that most clusters have beside them; the
# operator's own is among them, so that no label can make it cut itself off.
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
    "external-secrets",
    "kube-tools",
    "network",
    "networking",
    "observability",
    "rook-ceph",
    "security",
    "spegel",
    "storage",
    "system-upgrade",
    "*-system",
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
        default=DefaultDeny.AUTO,
        description="Who is denied what nothing allows. `auto`: as `labelled`, until every"
        " namespace but the platform ones that has pods has a profile or an open hatch; then, and"
        " from then on for good, as `workload`. `workload`: every namespace but the platform"
        " ones. `labelled`: only namespaces with a profile. `cluster`: all of them; write"
        " the platform's own policies first, as then kube-dns, too, answers only whom one of them"
        " lets in, and a gateway reaches only what one of them lets it. The operator's own"
        " namespace is left out, or the operator could cut itself off.",
    )
    platform_namespaces: tuple[NamespacePattern, ...] = Field(
        default=_PLATFORM_NAMESPACES,
        description="Namespaces with hand-kept policies; a profile on one is refused. Names, and"
        " patterns in which `*` is any run of characters. A Namespace with the label"
        ' `DOMAIN/platform: "true"` is one too, and the operator\'s own always is.',
    )
    cilium: Cilium = Field(default=Cilium(), description=_about(Cilium))
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
    watch_check_seconds: Annotated[float, Field(ge=1, le=3600)] = Field(
        default=30.0,
        description="How often Namespaces and custom resources are listed, to find what Kopf's"
        " watches have not delivered.",
    )
    label_grace_seconds: Annotated[float, Field(ge=0, le=60)] = Field(
        default=1.0,
        description="For how long a label or annotation that goes from a Namespace still counts, as"
        " GitOps tools take some off and put them on again at every sync. The hatch's label is"
        " followed at once; one that returns in that time opens no new hatch. 0: no grace.",
    )
    inspection_seconds: Annotated[float, Field(ge=1, le=86400)] = Field(
        default=60.0,
        description="How often the targets of grants, and the policies of others, are looked at."
        " Opening a hatch has them looked at at once.",
    )
    workers: Annotated[int, Field(ge=1, le=64)] = Field(
        default=8, description="How many namespaces are worked on at the same time."
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
