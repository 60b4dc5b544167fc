"""The ends of flows in a random world: pods, Cilium's entities, addresses outside the cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lab.control_plane import Identity

# Every pod calls its port 8080 this, so that rules may say the name.
PORT_NAME, PORT_NUMBER = "http", 8080


@dataclass(frozen=True)
class Pod:
    """A pod; its namespace's labels are the world's matter."""

    name: str
    namespace: str
    labels: Mapping[str, str] = field(default_factory=dict)

    def identity(self, namespace_labels: Mapping[str, str]) -> Identity:
        """As Cilium sees it."""
        ports = {PORT_NAME: f"{PORT_NUMBER}/TCP"}
        return Identity.pod(self.namespace, self.labels, namespace_labels, ports)


@dataclass(frozen=True)
class Entity:
    """One of Cilium's reserved identities."""

    name: str


@dataclass(frozen=True)
class Outside:
    """An address outside the cluster, with the DNS name by which it was looked up, if it was."""

    address: str
    dns_name: str = ""

    @property
    def name(self) -> str:
        """For flows and reports."""
        return " ".join(part for part in (self.dns_name, self.address) if part)


End = Pod | Entity | Outside


def identity(end: Entity | Outside) -> Identity:
    """What is not a pod, as Cilium sees it."""
    if isinstance(end, Entity):
        return Identity.entity(end.name)
    cidr = f"{end.address}/{128 if ':' in end.address else 32}"
    return Identity.dns_name(end.dns_name, cidr) if end.dns_name else Identity.address(cidr)


ENTITIES = tuple(
    Entity(name)
    for name in ("world", "host", "remote-node", "health", "kube-apiserver", "ingress", "unmanaged")
)
OUTSIDE = (
    Outside("203.0.113.7"),
    Outside("192.168.1.20"),
    Outside("192.168.1.77"),
    Outside("10.1.2.3"),
    Outside("169.254.99.1"),
    Outside("169.254.20.10"),
    Outside("fd16:9254:7127:1337:ffff::1"),
    Outside("2001:db8::7"),
    Outside("198.51.100.5", "api.stripe.com"),
    Outside("203.0.113.9", "a.example.org"),
    Outside("203.0.113.10", "b.c.example.org"),
    Outside("198.51.100.6", "example.org"),
)
