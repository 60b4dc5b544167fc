"""Namespaces as tests handle them: label them, and look at what came of it."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from typing import Any

from tests.cluster.kube import Kube, Manifest, cnp_path, eventually, namespace_path
from tests.cluster.words import allowed

DOMAIN = "network-policy.homelab"
PROFILE = f"{DOMAIN}/profile"
ENFORCEMENT = f"{DOMAIN}/enforcement"
INTRA_NAMESPACE = f"{DOMAIN}/intra-namespace"
PLATFORM = f"{DOMAIN}/platform"
WEBHOOKS = f"{DOMAIN}/webhooks"
GATEWAY_PORTS = f"{DOMAIN}/gateway-ports"
INTERNET_PORTS = f"{DOMAIN}/internet-ports"
LAN_PORTS = f"{DOMAIN}/lan-ports"
WORLD_PORTS = f"{DOMAIN}/world-ports"
MANAGED_BY = "app.kubernetes.io/managed-by"
OPERATOR = "homelab-netpol"

PROFILE_POLICY = "homelab-profile"
HATCH_POLICY = "homelab-escape-hatch"

Labels = Mapping[str, str | None]


def access(resource: str) -> str:
    """The key of the access label of a shared resource."""
    return f"access.{DOMAIN}/{resource}"


class Space:
    """One Namespace.

    Attributes:
        name: its name.
    """

    def __init__(self, kube: Kube, name: str) -> None:
        self.name = name
        self._kube = kube

    def manifest(self) -> Manifest:
        """The Namespace as it stands."""
        found = self._kube.get(namespace_path(self.name))
        assert found is not None, f"the Namespace {self.name} is gone"
        return found

    def label(self, labels: Labels) -> None:
        """Sets labels; None takes one away."""
        self._kube.patch(namespace_path(self.name), {"metadata": {"labels": dict(labels)}})

    def annotate(self, annotations: Labels) -> None:
        """Sets annotations; None takes one away."""
        metadata = {"metadata": {"annotations": dict(annotations)}}
        self._kube.patch(namespace_path(self.name), metadata)

    def delete(self, *, wait: bool = False) -> None:
        """Deletes the Namespace, and may wait until it is gone."""
        self._kube.delete(namespace_path(self.name))
        if wait:
            eventually(lambda: not self.exists(), f"the Namespace {self.name} to be gone")

    def exists(self) -> bool:
        """The Namespace is there, though it may be being deleted."""
        return self._kube.get(namespace_path(self.name)) is not None

    def policies(self) -> dict[str, Manifest]:
        """All CiliumNetworkPolicies in it, by name."""
        return {item["metadata"]["name"]: item for item in self._kube.items(cnp_path(self.name))}

    def policy(self, name: str = PROFILE_POLICY) -> Manifest | None:
        """A policy; None when it is not there."""
        return self._kube.cnp(self.name, name)

    def has(self, name: str = PROFILE_POLICY) -> Manifest:
        """Waits for a policy to be there."""
        return eventually(lambda: self.policy(name), f"{name} in {self.name}")

    def has_profile(self, profile: str) -> Manifest:
        """Waits for the profile's policy to be that of a profile."""

        def look() -> Manifest | None:
            policy = self.policy()
            return policy if policy and profile_of(policy) == profile else None

        return eventually(look, f"the profile {profile} in {self.name}")

    def has_spec(self, spec: object, name: str = PROFILE_POLICY) -> Manifest:
        """Waits for a policy to say exactly this."""

        def look() -> Manifest | None:
            policy = self.policy(name)
            return policy if policy and policy["spec"] == spec else None

        return eventually(look, f"{name} in {self.name} to say {spec}")

    def allows(self, direction: str, phrase: str, name: str = PROFILE_POLICY) -> None:
        """Waits for a policy to allow something, said as `words` says it."""

        def look() -> bool:
            policy = self.policy(name)
            return policy is not None and phrase in allowed(policy, direction)

        eventually(look, f"{name} in {self.name} to allow {direction} {phrase}")

    def lacks(self, name: str = PROFILE_POLICY) -> None:
        """Waits for a policy to be gone."""
        eventually(lambda: self.policy(name) is None, f"{name} to leave {self.name}")

    def holds_only(self, *names: str) -> None:
        """Waits for exactly these policies to be there."""
        eventually(
            lambda: set(self.policies()) == set(names),
            f"exactly {', '.join(names) or 'no policy'} in {self.name}",
        )

    def change(self, patch: Mapping[str, Any], name: str = PROFILE_POLICY) -> Manifest:
        """Edits a policy as a person with kubectl would."""
        return self._kube.patch(cnp_path(self.name, name), patch)

    def write(self, name: str, **more: Any) -> Manifest:
        """Creates a policy by hand, which lets in pods of its own namespace."""
        return self._kube.create(cnp_path(self.name), hand_made(name, **more))

    def drop(self, name: str = PROFILE_POLICY) -> None:
        """Deletes a policy by hand."""
        self._kube.delete(cnp_path(self.name, name))

    def events(self, reason: str) -> list[Manifest]:
        """The operator's Events in this namespace with a reason."""
        found = self._kube.items(f"/api/v1/namespaces/{self.name}/events")
        return [
            event
            for event in found
            if event["reason"] == reason and event["source"].get("component") == OPERATOR
        ]

    def told(self, reason: str, *words: str) -> Manifest:
        """Waits for an Event with a reason, whose message has all these words."""

        def look() -> Manifest | None:
            found = self.events(reason)
            for event in found:
                if all(word in event["message"] for word in words):
                    return event
            messages = [event["message"] for event in found]
            assert not messages, f"{reason}: {messages}"
            return None

        return eventually(look, f"an Event {reason} in {self.name} that says {words}")


class Spaces:
    """Makes Namespaces with names of their own, and takes them away again."""

    _number = itertools.count(1)

    def __init__(self, kube: Kube) -> None:
        self._kube = kube
        self._made: list[Space] = []

    def __call__(
        self,
        labels: Mapping[str, str] | None = None,
        *,
        name: str | None = None,
        **annotations: str,
    ) -> Space:
        """Makes a Namespace.

        Args:
            labels: that it has from the beginning.
            name: if a certain one is wanted.
            **annotations: by the part of the key after the domain, with `_` for `-`.
        """
        space = Space(self._kube, name or self.fresh_name())
        metadata = {
            "name": space.name,
            "labels": dict(labels or {}),
            "annotations": {
                f"{DOMAIN}/{key.replace('_', '-')}": text for key, text in annotations.items()
            },
        }
        self._made.append(space)
        self._kube.create(
            "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
        )
        return space

    def fresh_name(self) -> str:
        """A name that no Namespace has, nor had."""
        return f"scene-{os.getpid()}-{next(self._number)}"

    def existing(self, name: str) -> Space:
        """A Namespace that others use as well: made if it is missing, never taken away."""
        space = Space(self._kube, name)
        if self._kube.get(namespace_path(name)) is None:
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            self._kube.create("/api/v1/namespaces", body)
        return space

    def clear(self) -> None:
        """Deletes what was made, without waiting for the end of it."""
        for space in self._made:
            space.delete()
        self._made.clear()


def profile_of(policy: Manifest) -> str | None:
    """The profile whose name is on a policy."""
    value: str | None = policy["metadata"].get("labels", {}).get(PROFILE)
    return value


def version_of(policy: Manifest | None) -> str:
    """The resourceVersion: it moves with every write that changes anything."""
    assert policy is not None
    version: str = policy["metadata"]["resourceVersion"]
    return version


def uid_of(policy: Manifest | None) -> str:
    """The uid: it stays for as long as the object is not made anew."""
    assert policy is not None
    uid: str = policy["metadata"]["uid"]
    return uid


def hand_made(
    name: str, *, labels: Mapping[str, str] | None = None, kind: str = "CiliumNetworkPolicy"
) -> Manifest:
    """A policy as somebody else might write it."""
    return {
        "apiVersion": "cilium.io/v2",
        "kind": kind,
        "metadata": {"name": name, "labels": dict(labels or {})},
        "spec": {
            "endpointSelector": {"matchLabels": {"app": "by-hand"}},
            "ingress": [{"fromEndpoints": [{"matchLabels": {"app": "by-hand"}}]}],
        },
    }
