"""A shared resource: what an access label grants. An entry of the settings, or a SharedResource."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from homelab_netpol.cilium.selectors import LabelSelector, Operator, read_selector
from homelab_netpol.cilium.terms import MAX_PORTS
from homelab_netpol.settings.fields import (
    Cidr,
    ClusterName,
    DnsLabel,
    DnsName,
    DnsPattern,
    Entity,
    LabelKey,
    LabelValue,
    PodLabels,
    PortNumber,
)
from homelab_netpol.settings.section import Section


class Protocol(StrEnum):
    """Transport protocols that a port can be opened for."""

    TCP = "TCP"
    UDP = "UDP"
    SCTP = "SCTP"


class TargetSide(StrEnum):
    """What the operator writes in a shared resource's own namespace."""

    ADDITIVE = "additive"
    EXCLUSIVE = "exclusive"
    NONE = "none"


class Port(Section):
    """One port or a range of them: a number and its protocol (TCP unless said)."""

    port: PortNumber = Field(description="The number, or the first of a range.")
    end_port: PortNumber | None = Field(default=None, description="The last of a range.")
    protocol: Protocol = Field(default=Protocol.TCP, description="TCP, UDP or SCTP.")

    @model_validator(mode="after")
    def _range(self) -> Self:
        if self.end_port is not None and self.end_port < self.port:
            raise ValueError("`endPort` must not be smaller than `port`")
        return self


class DnsTarget(Section):
    """Names outside the cluster: one, or all that match a pattern."""

    match_name: DnsName | None = Field(default=None, description="A name, such as api.stripe.com.")
    match_pattern: DnsPattern | None = Field(
        default=None, description="A pattern, such as *.example.org; `*` spans no dot."
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.match_name is None) == (self.match_pattern is None):
            raise ValueError("needs either `matchName` or `matchPattern`, and not both")
        return self


class Expression(Section):
    """One condition of a selector."""

    key: LabelKey = Field(description="The label.")
    operator: Annotated[str, Field(pattern=f"^({'|'.join(Operator)})$")] = Field(
        description="`In`, `NotIn`, `Exists` or `DoesNotExist`."
    )
    values: tuple[LabelValue, ...] = Field(
        default=(), max_length=64, description="For `In` and `NotIn`."
    )

    @model_validator(mode="after")
    def _values_fit(self) -> Self:
        takes_values = Operator(self.operator).takes_values
        if takes_values and not self.values:
            raise ValueError(f"{self.operator} needs `values`")
        if self.values and not takes_values:
            raise ValueError(f"{self.operator} takes no `values`")
        return self


class Selector(Section):
    """Selects Namespaces by their labels; everything in it must hold."""

    match_labels: PodLabels = Field(
        default_factory=dict, description="Labels that the Namespace carries."
    )
    match_expressions: tuple[Expression, ...] = Field(
        default=(), max_length=32, description="Conditions beyond equality."
    )

    def as_label_selector(self) -> LabelSelector:
        """The same selector, in the form that evaluates labels."""
        return read_selector(self.model_dump(by_alias=True))


class SharedResource(Section):
    """What an access label grants egress to, on some ports: pods, entities, names or networks."""

    description: Annotated[str, Field(max_length=256)] = Field(
        default="", description="What it is, for people."
    )
    namespace: DnsLabel | None = Field(
        default=None, description="The namespace whose pods offer the resource."
    )
    cluster: ClusterName | None = Field(
        default=None,
        description="The cluster of Cilium's cluster mesh in which that namespace is; absent: this"
        " one. In another cluster nothing is written.",
    )
    pod_labels: PodLabels = Field(
        default_factory=dict, description="Only these pods of it; empty: all of them."
    )
    entities: tuple[Entity, ...] = Field(
        default=(), description="Cilium entities that are the resource, instead of a namespace."
    )
    fqdns: tuple[DnsTarget, ...] = Field(
        default=(),
        max_length=64,
        description="Or names outside the cluster, each a `matchName` or a `matchPattern`.",
    )
    cidrs: tuple[Cidr, ...] = Field(
        default=(), max_length=64, description="Or networks outside the cluster."
    )
    ports: tuple[Port, ...] = Field(
        min_length=1,
        max_length=MAX_PORTS,
        description="The ports that are granted, 1 to 40: `port`, and if need be `endPort` and"
        " `protocol` (TCP unless said).",
    )
    target: TargetSide = Field(
        default=TargetSide.ADDITIVE,
        description="In the resource's namespace: `additive` lets granted namespaces in and denies"
        " nobody; `exclusive` also denies everybody else; `none` writes nothing there.",
    )
    allow_from: Selector | None = Field(
        default=None,
        description="Which Namespaces may ask for it, by `matchLabels` and `matchExpressions`;"
        " absent: all.",
    )

    @property
    def home(self) -> str | None:
        """The namespace in this cluster whose pods offer it; None: they are elsewhere."""
        return self.namespace if self.cluster is None else None

    @property
    def has_tcp(self) -> bool:
        """TCP ports are among what is granted."""
        return any(port.protocol is Protocol.TCP for port in self.ports)

    @model_validator(mode="after")
    def _one_kind_of_target(self) -> Self:
        given = [self.namespace, self.entities, self.fqdns, self.cidrs]
        if sum(bool(each) for each in given) != 1:
            raise ValueError("needs exactly one of `namespace`, `entities`, `fqdns` and `cidrs`")
        if self.namespace is None and (self.pod_labels or self.target is TargetSide.EXCLUSIVE):
            raise ValueError("`podLabels` and `target: exclusive` need a `namespace`")
        if self.cluster is not None and self.namespace is None:
            raise ValueError("`cluster` needs a `namespace`: it says where that is")
        return self
