"""What flows through the pure half: the facts of a Namespace, and the intent read from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from homelab_netpol.intent.ports import PortRange
from homelab_netpol.intent.waypoint import Waypoint

# What most Namespaces have none of, once for all of them: an empty set takes 216 bytes, a dict 64.
NONE: frozenset[str] = frozenset()
NO_VALUES: Mapping[str, str] = {}

# Who the gateways are, the settings say; a shared resource of this name takes the grant's place.
GATEWAY_GRANT = "gateway"


@dataclass(frozen=True, slots=True)
class NamespaceFacts:
    """What the operator keeps of a Namespace: only what its policies can depend on.

    Attributes:
        name: the Namespace's name.
        labels: the labels of the vocabulary, and the mesh's; no others. Of a waypoint what
            `kept_of_waypoint` says.
        annotations: the annotations of the vocabulary; no others.
        terminating: it is being deleted; nothing is written there any more.
        selectable: all of its labels, which a shared resource may choose its consumers by.
    """

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    terminating: bool = False
    selectable: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LastGood:
    """What was in force before: kept where a label cannot be understood.

    Attributes:
        profile: the name on the profile policy that stands, if one does.
        intra_namespace: what that policy says on pods of one namespace.
        gateway_ports: the ports that policy opens to gateways; empty: any TCP port.
        internet_ports: the ports that policy opens to the internet; empty: as the settings have it;
            None: none.
        ingress: which policies for ingress beside the profile stand: `lan`, `world`, `webhooks`.
        lan_ports: the ports that the first of these opens, as far as it says so.
        world_ports: likewise the second.
        grants: the shared resources whose access policies stand.
        grant_values: the values of those that were granted by another value than "true".
        hatch_open: the hatch's policy stands.
        hatch_since: when the hatch that the label asks for was first seen, also if it has closed by
            itself since then; None: the label did not ask for it.
        platform_label: its label made it a platform namespace.
    """

    profile: str | None = None
    intra_namespace: bool | None = None
    gateway_ports: tuple[int, ...] | None = None
    internet_ports: tuple[PortRange, ...] | None = None
    ingress: frozenset[str] = frozenset()
    lan_ports: tuple[PortRange, ...] = ()
    world_ports: tuple[PortRange, ...] = ()
    grants: frozenset[str] = frozenset()
    grant_values: Mapping[str, str] = field(default_factory=dict, hash=False)
    hatch_open: bool = False
    hatch_since: datetime | None = None
    platform_label: bool = False


class Reason(StrEnum):
    """The reason of an Event on a Namespace, and the value of a metric's label."""

    PLATFORM_VALUE_INVALID = "PlatformValueInvalid"
    PROFILE_REFUSED = "ProfileRefused"
    PROFILE_UNKNOWN = "ProfileUnknown"
    PROFILE_NOT_READY = "ProfileNotReady"
    ACCESS_UNKNOWN = "AccessUnknown"
    ACCESS_NOT_READY = "AccessNotReady"
    ACCESS_REFUSED = "AccessRefused"
    ACCESS_VALUE_INVALID = "AccessValueInvalid"
    ENFORCEMENT_VALUE_INVALID = "EnforcementValueInvalid"
    DISABLED_UNTIL_INVALID = "DisabledUntilInvalid"
    HATCH_EXPIRED = "HatchExpired"
    INTRA_NAMESPACE_INVALID = "IntraNamespaceInvalid"
    INTRA_NAMESPACE_REFUSED = "IntraNamespaceRefused"
    GATEWAY_PORTS_INVALID = "GatewayPortsInvalid"
    GATEWAY_PORTS_REFUSED = "GatewayPortsRefused"
    PORTS_INVALID = "PortsInvalid"
    PORTS_REFUSED = "PortsRefused"
    WEBHOOKS_INVALID = "WebhooksInvalid"
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
        platform_label: its own label makes it one, whether or not the settings do as well.
        profile: the profile in force, a known one; None: no profile.
        retained_profile: the standing profile policy belongs to this profile, which is no longer
            known or not usable now; the policy is left as it is.
        intra_namespace: pods of the namespace may reach each other (only with a profile).
        gateway_ports: TCP ports that gateways may reach; empty: any; None: gateways may reach
            nothing, as the annotation that narrows them cannot be read.
        internet_ports: the ports that the profile opens to the internet; empty: as the settings
            have it; None: none, as the annotation that lists them cannot be read.
        lan_ports: ports open to the home network, beside the profile.
        world_ports: likewise to everything outside the cluster.
        webhooks: the API server may call pods of the namespace.
        retained_ingress: of `lan` and `world` those whose annotation cannot be read; their policies
            are left as they are.
        gateway_access: the gateways, `internal` or `external`, that it may call from inside.
        grants: the shared resources granted, known ones, in order.
        grant_values: the values of those, and of the retained ones, that are granted by another
            value than "true": such a grant is on a part of its resource.
        retained_grants: granted resources that are no longer known or not usable now; their
            policies stay.
        refused_grants: resources that were asked for by a namespace that may not ask for them.
        may_not_ask: all resources that it may not ask for.
        hatch_open: enforcement is switched off.
        hatch_since: when the hatch that the label asks for was first seen; None: it does not.
        hatch_until: when it closes, or has closed, by itself; None: it stays until the label goes.
        meshed: the namespace is part of the ambient mesh.
        waypoint: by way of which calls go to its Services; None: none, or it is not meshed.
        ingress_by_waypoint: those of gateways as well.
        problems: what could not be followed as written.
    """

    namespace: str
    platform: bool = False
    platform_label: bool = False
    profile: str | None = None
    retained_profile: str | None = None
    intra_namespace: bool = False
    gateway_ports: tuple[int, ...] | None = ()
    internet_ports: tuple[PortRange, ...] | None = ()
    lan_ports: tuple[PortRange, ...] = ()
    world_ports: tuple[PortRange, ...] = ()
    webhooks: bool = False
    retained_ingress: frozenset[str] = frozenset()
    gateway_access: tuple[str, ...] = ()
    grants: tuple[str, ...] = ()
    grant_values: Mapping[str, str] = field(default_factory=dict, hash=False)
    retained_grants: tuple[str, ...] = ()
    refused_grants: tuple[str, ...] = ()
    may_not_ask: frozenset[str] = frozenset()
    hatch_open: bool = False
    hatch_since: datetime | None = None
    hatch_until: datetime | None = None
    meshed: bool = False
    waypoint: Waypoint | None = None
    ingress_by_waypoint: bool = False
    problems: tuple[Problem, ...] = ()

    @property
    def granted(self) -> tuple[str, ...]:
        """What access labels grant: the shared resources, and the gateways."""
        return (*self.grants, GATEWAY_GRANT) if self.gateway_access else self.grants

    @property
    def hatch_expired(self) -> bool:
        """The label still asks for the hatch, but its time is over."""
        return self.hatch_since is not None and not self.hatch_open
