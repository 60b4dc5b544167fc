"""The policies that the operator keeps: their names, their labels, and how two are compared."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

import orjson

MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
FIELD_MANAGER = "homelab-netpol"
API_VERSION = "cilium.io/v2"

# The two gateways that profiles know.
GATEWAYS = ("internal", "external")

HATCH_CCNP = "escape-hatch-allow-all"


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


ISTIO_API_VERSION = "security.istio.io/v1"
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
    GRANT = "grant"
    HATCH = "hatch"
    BASELINE = "baseline"
    MESH = "mesh"


_COMPONENTS = frozenset(Component)


class PolicyKey(NamedTuple):
    """Which object: kind, namespace ("" for a clusterwide policy) and name."""

    kind: Kind
    namespace: str
    name: str

    def __str__(self) -> str:
        """As kubectl would write it, for messages."""
        where = f" in {self.namespace}" if self.namespace else ""
        return f"{self.kind} {self.name}{where}"


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy as it should stand.

    Attributes:
        key: which object.
        component: what it is there for.
        labels: the labels that it must carry, those that mark it as managed included.
        annotations: the annotations that it must carry.
        body: `{"spec": ...}` or `{"specs": [...]}`.
        digest: of the body; equal bodies have equal digests.
    """

    key: PolicyKey
    component: Component
    labels: Mapping[str, str]
    body: Mapping[str, Any]
    digest: str
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LivePolicy:
    """A policy as it stands in the cluster, reduced to what comparing and writing it needs.

    Attributes:
        key: which object.
        uid: of this incarnation; a delete names it, so that a successor is never deleted.
        resource_version: for a replace that fails when somebody else was faster.
        labels: all of its labels; those of others are kept on a write.
        annotations: all of its annotations; likewise.
        digest: of its spec and specs, comparable with `Policy.digest`.
        created: creationTimestamp, RFC 3339.
        rejected: why Cilium does not put it in force; "" if it does, or has not said yet.
    """

    key: PolicyKey
    uid: str
    resource_version: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    digest: str
    created: str
    rejected: str = ""


class LabelKeys:
    """The keys of the labels and annotations that the operator puts on its own policies."""

    def __init__(self, domain: str) -> None:
        self.component = f"{domain}/component"
        self.profile = f"{domain}/profile"
        self.resource = f"{domain}/resource"
        self.intra_namespace = f"{domain}/intra-namespace"
        self.gateway_ports = f"{domain}/gateway-ports"
        self.since = f"{domain}/since"
        self.until = f"{domain}/until"
        self.expired_hatches = f"{domain}/expired-hatches"

    def component_of(self, policy: LivePolicy) -> str:
        """What a standing policy says it is there for; `unknown` if somebody edited the label."""
        value = policy.labels.get(self.component, "")
        return value if value in _COMPONENTS else "unknown"


def policy_name(component: Component, resource: str = "") -> str:
    """The name of a namespaced policy: stable, so that a change of profile is one replace."""
    match component:
        case Component.PROFILE:
            return "homelab-profile"
        case Component.HATCH:
            return "homelab-escape-hatch"
        case Component.MESH:
            return "homelab-mesh"
        case Component.ACCESS | Component.GRANT:
            return f"homelab-{component}-{resource}"
        case Component.BASELINE:
            raise ValueError("baselines are clusterwide and carry names of their own")


def gateway_policy_name(which: str) -> str:
    """The name of the policy beside a gateway, `internal` or `external`."""
    return f"homelab-gateway-{which}"


def digest_of(body: Mapping[str, Any]) -> str:
    """A short fingerprint of a policy's `spec` and `specs`, whatever the order of its keys."""
    rules = {key: body[key] for key in ("spec", "specs") if body.get(key) is not None}
    canonical = orjson.dumps(rules, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(canonical, digest_size=16).hexdigest()


def read_live(kind: Kind, manifest: Mapping[str, Any]) -> LivePolicy:
    """Reduces an object of the API server to what is kept of it.

    Raises:
        KeyError: the manifest has no name, uid or resourceVersion, so no API server sent it.
    """
    metadata = manifest["metadata"]
    return LivePolicy(
        key=PolicyKey(kind, metadata.get("namespace", ""), metadata["name"]),
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        labels=metadata.get("labels") or {},
        annotations=metadata.get("annotations") or {},
        digest=digest_of(manifest),
        created=metadata.get("creationTimestamp") or "",
        rejected=_rejected(manifest),
    )


def _rejected(manifest: Mapping[str, Any]) -> str:
    """Cilium's operator checks every policy, and writes what it finds into the condition Valid."""
    for condition in (manifest.get("status") or {}).get("conditions") or ():
        if condition.get("type") == "Valid" and condition.get("status") == "False":
            return str(condition.get("message") or condition.get("reason") or "no reason given")
    return ""


def is_managed(labels: Mapping[str, str]) -> bool:
    """The object says that it is ours."""
    return labels.get(MANAGED_BY_LABEL) == FIELD_MANAGER


def written_by_us(manifest: Mapping[str, Any], component_label: str) -> bool:
    """Our field manager owns the rules or the component label: somebody took the other label off.

    The label counts as well, as `specs` is an atomic list: who edits it owns all of it.
    """
    for entry in manifest["metadata"].get("managedFields") or []:
        owned = entry.get("fieldsV1") or {}
        labels = (owned.get("f:metadata") or {}).get("f:labels") or {}
        ours = "f:spec" in owned or "f:specs" in owned or f"f:{component_label}" in labels
        if entry.get("manager") == FIELD_MANAGER and ours:
            return True
    return False
