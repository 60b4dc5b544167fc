"""What can be set, what each setting is for, and its default.

Keys in the file are camelCase, as everywhere in Kubernetes; unknown keys are errors, because a
mistyped key that is ignored leaves a policy as it was not meant.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from homelab_netpol.cilium.terms import NAMESPACE_KEY
from homelab_netpol.settings.companion import Companion
from homelab_netpol.settings.fields import DnsLabel, DnsSubdomain, NamespacePattern
from homelab_netpol.settings.mesh import Mesh
from homelab_netpol.settings.moved import refuse_old_sections
from homelab_netpol.settings.peer import Peer, SomePeers
from homelab_netpol.settings.platform import (
    DEFAULT_API_SERVER,
    DEFAULT_PROBES,
    DEFAULT_SCRAPERS,
    Cilium,
    Cluster,
    Dns,
    Gateways,
    Internet,
    Lan,
    Scrapers,
)
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
        """Itself; of `auto`, what it comes to once no workload would be cut off."""
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
    cluster: Cluster = Field(default=Cluster(), description=_about(Cluster))
    gateways: Gateways = Field(default=Gateways(), description=_about(Gateways))
    dns: Dns = Field(default=Dns(), description=_about(Dns))
    internet: Internet = Field(default=Internet(), description=_about(Internet))
    lan: Lan = Field(default=Lan(), description=_about(Lan))
    scrapers: Scrapers = Field(
        default=DEFAULT_SCRAPERS,
        description="Who may read metrics, or probe, from inside the cluster, each on `ports` of"
        " its own (numbers, TCP; none: any TCP port).",
    )
    probes: SomePeers = Field(
        default=DEFAULT_PROBES,
        description="Who may probe every pod, on any port. The kubelet needs no rule: Cilium"
        " always lets a node reach its own pods.",
    )
    api_server: SomePeers = Field(
        default=DEFAULT_API_SERVER,
        description="Who calls webhooks and aggregated APIs, in namespaces with the label"
        " `webhooks: allow`: of a managed control plane perhaps its tunnel's pods.",
    )
    mesh: Mesh = Field(default=Mesh(), description=_about(Mesh))
    shared_resources: dict[DnsLabel, SharedResource] = Field(
        default_factory=_default_shared_resources,
        description="What access labels grant, by the label's suffix: see below. Entries join the"
        " built-in ones; an entry of a built-in name replaces it. The custom resource"
        " SharedResource says the same in the cluster.",
    )
    companions: dict[DnsLabel, Companion] = Field(
        default_factory=dict,
        description="Pods that belong together across namespaces, by a name of your own: see below."
        " Each becomes the clusterwide policy `baseline-companion-NAME`, which only allows.",
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
    def _refuse_old(cls, data: object) -> object:
        return refuse_old_sections(data)

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

    def named_peers(self) -> Iterator[tuple[str, Peer]]:
        """What the settings name as a peer, each with its path."""
        lists: dict[str, Sequence[Peer]] = {
            "gateways.internal": self.gateways.internal,
            "gateways.external": self.gateways.external,
            "dns.servers": self.dns.servers,
            "scrapers": self.scrapers,
            "probes": self.probes,
            "apiServer": self.api_server,
            "mesh.ztunnel": self.mesh.ztunnel,
            "mesh.waypoints": self.mesh.waypoints,
        }
        for name, companion in self.companions.items():
            direction = "from" if companion.from_ else "to"
            lists[f"companions.{name}.{direction}"] = companion.peers
        for path, peers in lists.items():
            for index, peer in enumerate(peers):
                yield f"{path}[{index}]", peer

    def is_built_in(self, resource: str) -> bool:
        """The shared resource of this name is one of the built-in ones, as it comes."""
        default = _default_shared_resources().get(resource)
        return default is not None and default == self.shared_resources.get(resource)

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        if len(set(self.platform_namespaces)) != len(self.platform_namespaces):
            raise ValueError("platformNamespaces: a namespace is named twice")
        return self

    @model_validator(mode="after")
    def _mesh_knows_peers(self) -> Self:
        """Istio knows peers by namespaces and accounts only."""
        if not self.mesh.authorization_policies:
            return self
        for path, peer in self.named_peers():
            by_labels = peer.selector is not None and not peer.namespaces
            if by_labels and path.startswith(("gateways.", "scrapers", "companions.")):
                raise ValueError(
                    f"{path}.selector: with mesh.authorizationPolicies it must name namespaces"
                    f" ({NAMESPACE_KEY}), as Istio knows no labels of pods"
                )
        return self
