"""Whom rules are about: what each kind of peer covers, and how Cilium's policies write it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.worlds.ends import End, Entity, Outside, Pod

NAMESPACE_KEY = "k8s:io.kubernetes.pod.namespace"
NAMESPACE_LABEL_PREFIX = "k8s:io.cilium.k8s.namespace.labels."

# The labels of every Namespace, by its name.
Labelled = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Requirement:
    """One condition of a label selector, with the meaning that Kubernetes gives it."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether labels meet it."""
        value = labels.get(self.key)
        return {
            "In": value in self.values,
            "NotIn": value not in self.values,
            "Exists": value is not None,
            "DoesNotExist": value is None,
        }[self.operator]


def selector(requirements: tuple[Requirement, ...], prefix: str = "") -> dict[str, Any]:
    """A LabelSelector; equalities as `matchLabels`."""
    equal = {
        prefix + each.key: each.values[0]
        for each in requirements
        if each.operator == "In" and len(each.values) == 1
    }
    beyond = [
        {"key": prefix + each.key, "operator": each.operator}
        | ({"values": list(each.values)} if each.values else {})
        for each in requirements
        if not (each.operator == "In" and len(each.values) == 1)
    ]
    return ({"matchLabels": equal} if equal else {}) | (
        {"matchExpressions": beyond} if beyond else {}
    )


@dataclass(frozen=True)
class Pods:
    """Pods with certain labels: of the policy's own namespace, of some, of all, or by labels of it.

    Attributes:
        own: only of the policy's own namespace; then `spaces` and `space_labels` are empty.
        spaces: only of these namespaces, by name.
        space_labels: only of namespaces that meet this.
        labels: only pods that meet this.
    """

    kind = "endpoints"
    field = "Endpoints"
    own: bool = False
    spaces: tuple[str, ...] = ()
    space_labels: tuple[Requirement, ...] = ()
    labels: tuple[Requirement, ...] = ()

    def covers(self, end: End, own: str, labelled: Labelled) -> bool:
        """Whether an end is meant by a rule in the namespace `own`."""
        if not isinstance(end, Pod) or not all(each.holds(end.labels) for each in self.labels):
            return False
        if self.own:
            return end.namespace == own
        if self.spaces and end.namespace not in self.spaces:
            return False
        return all(each.holds(labelled[end.namespace]) for each in self.space_labels)

    def words(self) -> dict[str, Any]:
        """A selector of Cilium's; without any word on namespaces it would mean the policy's own."""
        found = selector(self.labels)
        labels: dict[str, str] = dict(found.get("matchLabels", {}))
        beyond: list[Any] = list(found.get("matchExpressions", []))
        if len(self.spaces) == 1:
            labels[NAMESPACE_KEY] = self.spaces[0]
        elif self.spaces:
            beyond.append({"key": NAMESPACE_KEY, "operator": "In", "values": list(self.spaces)})
        elif self.space_labels:
            of_space = selector(self.space_labels, NAMESPACE_LABEL_PREFIX)
            labels |= of_space.get("matchLabels", {})
            beyond += of_space.get("matchExpressions", [])
        elif not self.own:
            beyond.append({"key": NAMESPACE_KEY, "operator": "Exists"})
        return ({"matchLabels": labels} if labels else {}) | (
            {"matchExpressions": beyond} if beyond else {}
        )


# https://docs.cilium.io: what an entity stands for. The identity of the API server is a remote
# node's as well, as it runs on one.
_CLUSTER = {"host", "remote-node", "health", "kube-apiserver", "ingress", "unmanaged"}


@dataclass(frozen=True)
class EntityPeer:
    """One of Cilium's entities."""

    kind = "entities"
    field = "Entities"
    name: str

    def covers(self, end: End, own: str, labelled: Labelled) -> bool:
        """Whether an end belongs to it."""
        if self.name == "all":
            return True
        if isinstance(end, Pod):
            return self.name == "cluster"
        if isinstance(end, Outside):
            v6 = ":" in end.address
            return self.name == "world" or self.name == ("world-ipv6" if v6 else "world-ipv4")
        also = {"kube-apiserver": {"remote-node"}}.get(end.name, set())
        return self.name in {end.name} | also or (self.name == "cluster" and end.name in _CLUSTER)

    def words(self) -> str:
        """In a list of entities."""
        return self.name


@dataclass(frozen=True)
class Network:
    """Addresses outside the cluster; a policy may leave parts of them out."""

    cidr: str
    excepted: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """What reports call it."""
        return "CIDR set" if self.excepted else "CIDR"

    @property
    def field(self) -> str:
        """The part of the field's name after the direction."""
        return "CIDRSet" if self.excepted else "CIDR"

    def covers(self, end: End, own: str, labelled: Labelled) -> bool:
        """Whether an end is an address in it."""
        if not isinstance(end, Outside):
            return False
        address = ipaddress.ip_address(end.address)
        return address in ipaddress.ip_network(self.cidr) and not any(
            address in ipaddress.ip_network(each) for each in self.excepted
        )

    def words(self) -> Any:
        """In a list of networks or sets."""
        return {"cidr": self.cidr, "except": list(self.excepted)} if self.excepted else self.cidr


@dataclass(frozen=True)
class DnsNames:
    """A DNS name, or with `*` all names that match; a `*` spans no dot, and alone is every name."""

    kind = "names"
    field = "FQDNs"
    text: str

    def covers(self, end: End, own: str, labelled: Labelled) -> bool:
        """Whether an end is an address that was looked up by such a name."""
        if not isinstance(end, Outside) or not end.dns_name:
            return False
        if self.text == "*":
            return True
        pattern = re.escape(self.text).replace(r"\*", "[^.]*")
        return re.fullmatch(pattern, end.dns_name) is not None

    def words(self) -> dict[str, str]:
        """In a list of names."""
        return {"matchPattern" if "*" in self.text else "matchName": self.text}


Peer = Pods | EntityPeer | Network | DnsNames


def is_entity(end: End, *names: str) -> bool:
    """Whether an end is one of these reserved identities."""
    return isinstance(end, Entity) and end.name in names
