"""A shared resource: what an access label grants. An entry of the settings, or a SharedResource."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from homelab_netpol.cilium.networks import exceptions_problem
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
    ObjectName,
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


class CidrRange(Section):
    """A network outside the cluster, without some networks within it."""

    cidr: Cidr = Field(description="The network.")
    except_: tuple[Cidr, ...] = Field(
        default=(), alias="except", max_length=20, description="Networks within it, left out."
    )

    @model_validator(mode="after")
    def _exceptions_fit(self) -> Self:
        problem = exceptions_problem(self.cidr, self.except_)
        if problem is not None:
            raise ValueError(f"`except`: {problem}")
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
    """Selects Namespaces, or pods, by their labels; everything in it must hold."""

    match_labels: PodLabels = Field(default_factory=dict, description="Labels that it carries.")
    match_expressions: tuple[Expression, ...] = Field(
        default=(), max_length=32, description="Conditions beyond equality."
    )

    def as_label_selector(self) -> LabelSelector:
        """The same selector, in the form that evaluates labels."""
        return read_selector(self.model_dump(by_alias=True))

    @property
    def is_empty(self) -> bool:
        """It selects everything."""
        return not self.match_labels and not self.match_expressions

    @property
    def keys(self) -> tuple[str, ...]:
        """The labels that it looks at, each once."""
        named = (*self.match_labels, *(one.key for one in self.match_expressions))
        return tuple(dict.fromkeys(named))

    @property
    def carried_keys(self) -> tuple[str, ...]:
        """Those of them that whatever it selects has."""
        positive = (
            one.key for one in self.match_expressions if not Operator(one.operator).is_negative
        )
        return (*self.match_labels, *positive)

    def values_of(self, key: str) -> tuple[str, ...]:
        """The values that a label must have one of; none if it does not list any."""
        if key in self.match_labels:
            return (self.match_labels[key],)
        listed = (
            one.values for one in self.match_expressions if (one.key, one.operator) == (key, "In")
        )
        return next(listed, ())


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
    value_label: LabelKey | None = Field(
        default=None,
        description="A label of these pods. The access label may then have one of its values, and"
        " grants only the pods with that one.",
    )
    allow_all: bool = Field(
        default=True,
        description='With `valueLabel`: the access label may be "true", which grants all the pods,'
        " whatever their value.",
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
    cidr_sets: tuple[CidrRange, ...] = Field(
        default=(),
        max_length=40,
        description="The same with parts left out: each a `cidr`, and networks within it"
        " (`except`).",
    )
    cidr_groups: tuple[ObjectName, ...] = Field(
        default=(), max_length=40, description="The same by names of CiliumCIDRGroups."
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
        " no pod; `exclusive` also denies every other peer; `none` writes nothing there.",
    )
    allow_from: Selector | None = Field(
        default=None,
        description="Which Namespaces may ask for it, by `matchLabels` and `matchExpressions`;"
        " absent: all.",
    )

    @property
    def networks(self) -> tuple[CidrRange, ...]:
        """The networks, with and without parts left out; not those of groups."""
        return (*(CidrRange(cidr=each) for each in self.cidrs), *self.cidr_sets)

    @property
    def home(self) -> str | None:
        """The namespace in this cluster whose pods offer it; None: they are elsewhere."""
        return self.namespace if self.cluster is None else None

    def labels_of(self, value: str) -> Mapping[str, str]:
        """The labels of the pods that a grant is on.

        Args:
            value: of the access label; "true": all pods of the resource.
        """
        if self.value_label is None or value == "true":
            return self.pod_labels
        return {**self.pod_labels, self.value_label: value}

    @property
    def has_tcp(self) -> bool:
        """TCP ports are among what is granted."""
        return any(port.protocol is Protocol.TCP for port in self.ports)

    @model_validator(mode="after")
    def _one_kind_of_target(self) -> Self:
        networks = self.cidrs or self.cidr_sets or self.cidr_groups
        given = [self.namespace, self.entities, self.fqdns, networks]
        if sum(bool(each) for each in given) != 1:
            raise ValueError(
                "needs exactly one of `namespace`, `entities`, `fqdns` and networks (`cidrs`,"
                " `cidrSets`, `cidrGroups`)"
            )
        if self.namespace is None and (self.pod_labels or self.target is TargetSide.EXCLUSIVE):
            raise ValueError("`podLabels` and `target: exclusive` need a `namespace`")
        if self.cluster is not None and self.namespace is None:
            raise ValueError("`cluster` needs a `namespace`: it says where that is")
        return self

    @model_validator(mode="after")
    def _values_of_a_label(self) -> Self:
        if self.value_label is None:
            if not self.allow_all:
                raise ValueError("`allowAll: false` needs a `valueLabel`: nothing could be granted")
            return self
        if self.namespace is None:
            raise ValueError("`valueLabel` needs a `namespace`: it is a label of pods")
        if self.value_label in self.pod_labels:
            raise ValueError(
                f"`podLabels` says one value of {self.value_label} already: take it out there, or"
                " leave `valueLabel` out"
            )
        return self
