"""The other end of a connection, in the one shape that all settings use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from homelab_netpol.cilium.terms import MAX_PORTS, NAMESPACE_KEY, NAMESPACE_LABELS_PREFIX
from homelab_netpol.settings.fields import Cidr, DnsLabel, Entity, PodLabels, PortNumber
from homelab_netpol.settings.section import Section
from homelab_netpol.settings.shared_resource import Selector

_KINDS = ("namespace", "selector", "entities", "cidrs")


class Peer(Section):
    """Pods, entities of Cilium's, or networks: exactly one of these kinds."""

    namespace: DnsLabel | None = Field(default=None, description="Pods of this namespace.")
    pod_labels: PodLabels = Field(
        default_factory=dict, description="Of it only the pods with these labels."
    )
    selector: Selector | None = Field(
        default=None,
        description="Pods of any namespace by their labels; labels of their Namespace are"
        " `io.cilium.k8s.namespace.labels.KEY`. With `mesh.authorizationPolicies` one of a gateway,"
        " a scraper or a companion must name namespaces (`io.kubernetes.pod.namespace`).",
    )
    entities: tuple[Entity, ...] = Field(
        default=(), max_length=16, description="Entities of Cilium's."
    )
    cidrs: tuple[Cidr, ...] = Field(
        default=(), max_length=64, description="Networks outside the cluster."
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        given = [kind for kind in _KINDS if getattr(self, kind)]
        if len(given) != 1:
            found = ", ".join(given) or "none of them"
            raise ValueError(f"needs exactly one of {', '.join(_KINDS)}, not empty; found {found}")
        if self.selector is not None and self.selector.is_empty:
            raise ValueError(
                "`selector` without a label means every pod; write `entities: [cluster]` for that"
            )
        if self.pod_labels and self.namespace is None:
            raise ValueError("`podLabels` needs a `namespace`; for any namespace use `selector`")
        return self

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The namespaces of its pods by name; none if they are not pods, or it names none."""
        if self.namespace is not None:
            return (self.namespace,)
        return self.selector.values_of(NAMESPACE_KEY) if self.selector is not None else ()

    @property
    def is_pods(self) -> bool:
        """It is pods of this cluster, which have labels."""
        return self.namespace is not None or self.selector is not None

    def selects(
        self, namespace: str, labels: Mapping[str, str], namespace_labels: Mapping[str, str]
    ) -> bool:
        """Whether a pod of a namespace is one of its pods.

        Args:
            namespace: the pod's.
            labels: of the pod.
            namespace_labels: of the Namespace.
        """
        if self.namespace is not None:
            return namespace == self.namespace and self.pod_labels.items() <= labels.items()
        if self.selector is None:
            return False
        inherited = {f"{NAMESPACE_LABELS_PREFIX}{k}": v for k, v in namespace_labels.items()}
        seen = {**labels, **inherited, NAMESPACE_KEY: namespace}
        return self.selector.as_label_selector().matches(seen)

    def __str__(self) -> str:
        """As messages name it."""
        if self.namespace is not None:
            labels = ",".join(f"{key}={value}" for key, value in sorted(self.pod_labels.items()))
            return f"{self.namespace} {labels}" if labels else f"namespace {self.namespace}"
        if self.selector is not None:
            return f"pods {self.selector.as_label_selector()}"
        if self.entities:
            return f"entities {', '.join(self.entities)}"
        return f"CIDR {', '.join(self.cidrs)}"


class GatewayPeer(Peer):
    """A gateway's pods, or what Cilium sees in their place."""

    service_account: DnsLabel | None = Field(
        default=None,
        description="The service account of these pods, by which a mesh knows them; absent: every"
        " pod of their namespace counts.",
    )

    @model_validator(mode="after")
    def _account_of_pods(self) -> Self:
        if self.service_account is not None and len(self.namespaces) != 1:
            raise ValueError("`serviceAccount` needs pods of one `namespace`")
        return self


class Scraper(Peer):
    """Who reads metrics or probes from inside the cluster: Prometheus, vmagent, a prober."""

    ports: tuple[PortNumber, ...] = Field(
        default=(),
        max_length=MAX_PORTS,
        description="The TCP ports that it may reach on every pod; none: any of them.",
    )


Peers = Annotated[tuple[Peer, ...], Field(max_length=32)]
SomePeers = Annotated[tuple[Peer, ...], Field(min_length=1, max_length=32)]


def namespaces_of_peers(peers: Iterable[Peer]) -> frozenset[str]:
    """The namespaces that peers name."""
    return frozenset(name for peer in peers for name in peer.namespaces)
