"""What flows through the pure half: the facts of a Namespace, and the intent read from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class NamespaceFacts:
    """What the operator keeps of a Namespace: only what its policies can depend on.

    Attributes:
        name: the Namespace's name.
        labels: the labels of the vocabulary, and the mesh's; no others.
        annotations: the annotations of the vocabulary; no others.
        terminating: it is being deleted; nothing is written there any more.
    """

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    terminating: bool = False


@dataclass(frozen=True, slots=True)
class LastGood:
    """What was in force before: kept where a label cannot be understood.

    Attributes:
        profile: the name on the profile policy that stands, if one does.
        intra_namespace: what that policy says on pods of one namespace.
        gateway_ports: the ports that policy opens to gateways; empty: any TCP port.
        grants: the shared resources whose access policies stand.
        hatch_open: the hatch's policy stands.
    """

    profile: str | None = None
    intra_namespace: bool | None = None
    gateway_ports: tuple[int, ...] | None = None
    grants: frozenset[str] = frozenset()
    hatch_open: bool = False


class Reason(StrEnum):
    """Why something is told to a Namespace's owner: the reason of an Event, a label of a metric."""

    PROFILE_REFUSED = "ProfileRefused"
    PROFILE_UNKNOWN = "ProfileUnknown"
    ACCESS_UNKNOWN = "AccessUnknown"
    ACCESS_VALUE_INVALID = "AccessValueInvalid"
    ENFORCEMENT_VALUE_INVALID = "EnforcementValueInvalid"
    INTRA_NAMESPACE_INVALID = "IntraNamespaceInvalid"
    INTRA_NAMESPACE_REFUSED = "IntraNamespaceRefused"
    GATEWAY_PORTS_INVALID = "GatewayPortsInvalid"
    GATEWAY_PORTS_REFUSED = "GatewayPortsRefused"
    LABEL_UNKNOWN = "LabelUnknown"


@dataclass(frozen=True, slots=True)
class Problem:
    """A label or annotation that could not be followed as written.

    Attributes:
        reason: what kind of problem.
        key: the label's or annotation's key.
        message: what happened, what is in force instead, and what to do.
    """

    reason: Reason
    key: str
    message: str


@dataclass(frozen=True, slots=True)
class Intent:
    """What a Namespace wants, after everything that could not be understood was settled.

    Attributes:
        namespace: its name.
        platform: it is one of the platform namespaces.
        profile: the profile in force, a known one; None: no profile.
        profile_untouched: the standing profile policy belongs to a profile that is no longer
            known; it is left as it is.
        intra_namespace: pods of the namespace may reach each other (only with a profile).
        gateway_ports: TCP ports that gateways may reach; empty: any; None: gateways may reach
            nothing, as the annotation that narrows them cannot be read.
        grants: the shared resources granted, known ones, in order.
        grants_untouched: granted resources that are no longer known; their policies stay.
        hatch_open: enforcement is switched off.
        meshed: the namespace is part of the ambient mesh.
        problems: what could not be followed as written.
    """

    namespace: str
    platform: bool = False
    profile: str | None = None
    profile_untouched: bool = False
    intra_namespace: bool = False
    gateway_ports: tuple[int, ...] | None = ()
    grants: tuple[str, ...] = ()
    grants_untouched: tuple[str, ...] = ()
    hatch_open: bool = False
    meshed: bool = False
    problems: tuple[Problem, ...] = ()
