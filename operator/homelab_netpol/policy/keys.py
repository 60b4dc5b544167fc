"""Names: of the policies that the operator writes, and of the work keys that own them. Pure.

A policy's name is made here and read back here, and nowhere else.
"""

from __future__ import annotations

import hashlib
import re
from enum import StrEnum
from typing import NamedTuple

from homelab_netpol.intent import GATEWAYS

API_VERSION = "cilium.io/v2"
ISTIO_API_VERSION = "security.istio.io/v1"

# What a Namespace lets in beside its profile: straight from outside, and the API server's calls.
LAN, WORLD, WEBHOOKS = "lan", "world", "webhooks"
INGRESS = (LAN, WORLD, WEBHOOKS)

HATCH_CCNP = "escape-hatch-allow-all"

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_BASELINE_PREFIX = "baseline-"
COMPANION_PREFIX = f"{_BASELINE_PREFIX}companion-"
# Beside a gateway: whom it serves through the mesh, and who reaches it from inside.
_GATEWAY_PREFIX = "homelab-gateway-"
_CALLERS_PREFIX = "homelab-callers-"
# Beside a waypoint: the grants that lead by way of it; and the namespaces elsewhere that it serves.
_WAYPOINT_PREFIX = "homelab-waypoint-"
SERVED = "homelab-waypoint"
# The other ends of the latter: in those namespaces, and beside the gateways that call them.
OWN_WAY = "homelab-by-waypoint"
OF_GATEWAYS = "homelab-gateways-by-waypoint"


class Kind(StrEnum):
    """The kinds of policies that the operator writes: Cilium's two, and in a mesh Istio's two."""

    CNP = "CiliumNetworkPolicy"
    CCNP = "CiliumClusterwideNetworkPolicy"
    AUTHORIZATION = "AuthorizationPolicy"
    PEER_AUTHENTICATION = "PeerAuthentication"

    @property
    def api_version(self) -> str:
        """Group and version."""
        return ISTIO_API_VERSION if self in ISTIO_KINDS else API_VERSION

    @property
    def plural(self) -> str:
        """How the kind is spelt in a path."""
        return _PLURALS[self]


CILIUM_KINDS = (Kind.CNP, Kind.CCNP)
ISTIO_KINDS = (Kind.AUTHORIZATION, Kind.PEER_AUTHENTICATION)
_PLURALS = {
    Kind.CNP: "ciliumnetworkpolicies",
    Kind.CCNP: "ciliumclusterwidenetworkpolicies",
    Kind.AUTHORIZATION: "authorizationpolicies",
    Kind.PEER_AUTHENTICATION: "peerauthentications",
}


class Component(StrEnum):
    """What a managed policy is there for: the value of its component label."""

    PROFILE = "profile"
    ACCESS = "access"
    INGRESS = "ingress"
    GRANT = "grant"
    HATCH = "hatch"
    BASELINE = "baseline"
    MESH = "mesh"


_NAMES = {
    Component.PROFILE: "homelab-profile",
    Component.HATCH: "homelab-escape-hatch",
    Component.MESH: "homelab-mesh",
}
_COMPONENTS = {name: component for component, name in _NAMES.items()}


class PolicyKey(NamedTuple):
    """Which object: kind, namespace ("" for a clusterwide policy) and name."""

    kind: Kind
    namespace: str
    name: str

    def __str__(self) -> str:
        """As kubectl would write it, for messages."""
        where = f" in {self.namespace}" if self.namespace else ""
        return f"{self.kind} {self.name}{where}"


#: The policy that opens every Namespace whose label says so, also while no operator runs.
CLUSTERWIDE_HATCH = PolicyKey(Kind.CCNP, "", HATCH_CCNP)


class Scope(StrEnum):
    """What a work key is about."""

    NAMESPACE = "namespace"
    TARGET = "target"
    GATEWAY = "gateway"
    CALLERS = "callers"
    WAYPOINTS = "waypoints"
    CLUSTERWIDE = "clusterwide"
    PROFILE_STATUS = "profile-status"
    RESOURCE_STATUS = "resource-status"
    VOCABULARY = "vocabulary"


class WorkKey(NamedTuple):
    """What is reconciled in one turn: a request, in controller-runtime's words.

    A Namespace, a shared resource's side, a gateway's (the namespaces that it serves, or its
    callers from inside), that of the waypoints which serve other namespaces, the baselines, the
    status of a custom resource, or the words that admission policies know.
    """

    scope: Scope
    name: str = ""


GATEWAY_KEYS = tuple(
    WorkKey(scope, which) for scope in (Scope.GATEWAY, Scope.CALLERS) for which in GATEWAYS
)
WAYPOINTS = WorkKey(Scope.WAYPOINTS)
CLUSTERWIDE = WorkKey(Scope.CLUSTERWIDE)
VOCABULARY = WorkKey(Scope.VOCABULARY)


def policy_name(component: Component, about: str = "", part: str = "") -> str:
    """The name of a namespaced policy: stable, so that a change of profile is one replace.

    Args:
        component: what it is there for.
        about: the shared resource, or which of `INGRESS`; "" if it is about none.
        part: the value of the grants on a part of that resource; "": it is about all of it.
    """
    if component is Component.BASELINE:
        raise ValueError("baselines are clusterwide and carry names of their own")
    name = _NAMES.get(component) or f"homelab-{component}-{about}"
    return f"{name}.{_as_name(part)}" if part else name


def _as_name(value: str) -> str:
    """A label's value as the end of a name: itself where it can be, else a fingerprint of it."""
    if _DNS_LABEL.fullmatch(value):
        return value
    return f"value.{hashlib.blake2b(value.encode(), digest_size=16).hexdigest()}"


def gateway_policy_name(key: WorkKey) -> str:
    """The name of the policies beside a gateway, by one of `GATEWAY_KEYS`."""
    return f"{_GATEWAY_PREFIX if key.scope is Scope.GATEWAY else _CALLERS_PREFIX}{key.name}"


def waypoint_policy_name(resource: str) -> str:
    """The name of a shared resource's policies beside waypoints."""
    return f"{_WAYPOINT_PREFIX}{resource}"


_GATEWAY_POLICIES = {gateway_policy_name(key): key for key in GATEWAY_KEYS}


class PolicyName(NamedTuple):
    """What a policy's name says.

    Attributes:
        component: what the policy is there for.
        owner: the work key that writes and deletes it.
        about: the shared resource that it is about, or which of `INGRESS`; "" if neither.
        part: which part of that resource, as names say it; "": all of it.
    """

    component: Component
    owner: WorkKey
    about: str = ""
    part: str = ""


def parse_policy_name(key: PolicyKey) -> PolicyName | None:
    """Reads a name back: by the name alone, so that no edited label can hide a policy.

    Returns:
        None for a name that the operator never gives: such a policy may carry our label, but was
        copied or written by others, and is left alone.
    """
    name, namespace = key.name, WorkKey(Scope.NAMESPACE, key.namespace)
    if key.kind is Kind.CCNP:
        if name == HATCH_CCNP:
            return PolicyName(Component.HATCH, CLUSTERWIDE)
        is_baseline = name.startswith(_BASELINE_PREFIX)
        return PolicyName(Component.BASELINE, CLUSTERWIDE) if is_baseline else None
    if name in _COMPONENTS:
        return PolicyName(_COMPONENTS[name], namespace)
    for component in (Component.ACCESS, Component.GRANT, Component.INGRESS):
        prefix = policy_name(component)
        if name.startswith(prefix):
            rest = name.removeprefix(prefix)
            if component is Component.INGRESS:
                return PolicyName(component, namespace, rest) if rest in INGRESS else None
            if component is Component.ACCESS:
                return PolicyName(component, namespace, rest)
            # No resource's name has a dot: what follows one is a part of the resource.
            resource, _, part = rest.partition(".")
            return PolicyName(component, WorkKey(Scope.TARGET, resource), resource, part)
    if name in _GATEWAY_POLICIES:
        return PolicyName(Component.GRANT, _GATEWAY_POLICIES[name])
    if key.kind is Kind.CNP:
        return _by_waypoint(name, namespace)
    return None


def _by_waypoint(name: str, namespace: WorkKey) -> PolicyName | None:
    if name == OWN_WAY:
        return PolicyName(Component.MESH, namespace)
    if name in (SERVED, OF_GATEWAYS):
        return PolicyName(Component.MESH, WAYPOINTS)
    if name.startswith(_WAYPOINT_PREFIX):
        resource = name.removeprefix(_WAYPOINT_PREFIX)
        return PolicyName(Component.GRANT, WorkKey(Scope.TARGET, resource), resource)
    return None


def owner_of(key: PolicyKey) -> WorkKey | None:
    """The work key that owns a policy; None for a name that the operator never gives."""
    parsed = parse_policy_name(key)
    return None if parsed is None else parsed.owner
