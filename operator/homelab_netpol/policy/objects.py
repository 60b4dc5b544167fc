"""The policies that the operator writes: as wanted, as they stand, and how two are compared."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from homelab_netpol.policy.default_deny import namespaces_spared
from homelab_netpol.policy.keys import Component, Kind, PolicyKey
from homelab_netpol.policy.notes import parse_closed_text

MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
FIELD_MANAGER = "homelab-netpol"

_COMPONENTS = frozenset(Component)


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
        resource_version: for a replace that fails on a conflict.
        labels: all of its labels; those of others are kept on a write.
        annotations: all of its annotations; likewise.
        digest: of its spec and specs, comparable with `Policy.digest`.
        created: creationTimestamp, RFC 3339.
        rejected: why Cilium does not put it in force; "" if it does, or has not said yet.
        spared: of a clusterwide policy that switches on default deny for all namespaces, those that
            it leaves out; None: it does not.
    """

    key: PolicyKey
    uid: str
    resource_version: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    digest: str
    created: str
    rejected: str = ""
    spared: frozenset[str] | None = None

    @property
    def version(self) -> int:
        """The resourceVersion as a number: Kubernetes orders them within one cluster."""
        return int(self.resource_version)


def as_object(
    policy: Policy,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The object that is sent to the API server.

    Args:
        policy: what should stand.
        labels: instead of its own, those of others included.
        annotations: likewise.
    """
    labels = policy.labels if labels is None else labels
    annotations = policy.annotations if annotations is None else annotations
    metadata: dict[str, Any] = {"name": policy.key.name, "labels": dict(labels)}
    if policy.key.namespace:
        metadata["namespace"] = policy.key.namespace
    if annotations:
        metadata["annotations"] = dict(annotations)
    kind = policy.key.kind
    return {"apiVersion": kind.api_version, "kind": kind.value, "metadata": metadata, **policy.body}


class LabelKeys:
    """The keys of the labels and annotations that the operator puts on its own policies."""

    def __init__(self, domain: str) -> None:
        self.component = f"{domain}/component"
        self.profile = f"{domain}/profile"
        self.resource = f"{domain}/resource"
        self.value = f"{domain}/value"
        self.intra_namespace = f"{domain}/intra-namespace"
        self.gateway_ports = f"{domain}/gateway-ports"
        self.internet_ports = f"{domain}/internet-ports"
        self.lan_ports = f"{domain}/lan-ports"
        self.world_ports = f"{domain}/world-ports"
        self.since = f"{domain}/since"
        self.until = f"{domain}/until"
        self.expired_hatches = f"{domain}/expired-hatches"
        self.closed_hatches = f"{domain}/closed-hatches"
        self.take_over = f"{domain}/take-over"
        self.platform_labels = f"{domain}/platform-labels"

    def component_of(self, policy: LivePolicy) -> str:
        """What a standing policy says it is there for; `unknown` if the label was edited."""
        value = policy.labels.get(self.component, "")
        return value if value in _COMPONENTS else "unknown"

    def noted_closed(self, clusterwide_hatch: LivePolicy | None) -> frozenset[str]:
        """The Namespaces whose hatch closed a moment ago, as noted on the policy."""
        if clusterwide_hatch is None:
            return frozenset()
        return parse_closed_text(clusterwide_hatch.annotations.get(self.closed_hatches))


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
        spared=namespaces_spared(manifest) if kind is Kind.CCNP else None,
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
    """Our field manager owns the rules or the component label: the other label was taken off.

    The label counts as well, as `specs` is an atomic list: who edits it owns all of it.
    """
    for entry in manifest["metadata"].get("managedFields") or []:
        owned = entry.get("fieldsV1") or {}
        labels = (owned.get("f:metadata") or {}).get("f:labels") or {}
        ours = "f:spec" in owned or "f:specs" in owned or f"f:{component_label}" in labels
        if entry.get("manager") == FIELD_MANAGER and ours:
            return True
    return False
