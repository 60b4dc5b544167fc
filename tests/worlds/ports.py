"""Ports and ICMP messages of rules: what they cover, and how Cilium's policies write them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from tests.worlds.ends import PORT_NAME, PORT_NUMBER

TUNNEL = 15008
_ICMP = {"IPv4": "ICMP", "IPv6": "ICMPv6"}


class Target(NamedTuple):
    """What a flow is for: the port at its target, or the type of an ICMP message."""

    number: int
    protocol: str = "TCP"

    def __str__(self) -> str:
        """As people write it."""
        return f"{self.protocol}/{self.number}"


HBONE = Target(TUNNEL)


@dataclass(frozen=True)
class PortItem:
    """Ports from `first` to `last`; 0 is every port, `named` the one that pods have a name for.

    `protocol` ANY is TCP, UDP and SCTP alike.
    """

    first: int
    last: int | None = None
    protocol: str = "TCP"
    named: bool = False

    def covers(self, target: Target) -> bool:
        """Whether a flow for this target is meant."""
        spoken = ("TCP", "UDP", "SCTP") if self.protocol == "ANY" else (self.protocol,)
        if target.protocol not in spoken:
            return False
        if self.named:
            return target == Target(PORT_NUMBER)
        return self.first == 0 or self.first <= target.number <= (self.last or self.first)

    def words(self) -> dict[str, Any]:
        """In a policy."""
        item: dict[str, Any] = {"port": PORT_NAME if self.named else str(self.first)}
        item |= {"endPort": self.last} if self.last is not None else {}
        return item | {"protocol": self.protocol}

    def resource_words(self) -> dict[str, Any]:
        """In a SharedResource, whose ports are numbers."""
        item: dict[str, Any] = {"port": self.first}
        item |= {"endPort": self.last} if self.last is not None else {}
        return item | ({"protocol": self.protocol} if self.protocol != "TCP" else {})

    @property
    def may_be_tcp(self) -> bool:
        """HBONE carries TCP, and nothing else."""
        return self.protocol in ("TCP", "ANY")


@dataclass(frozen=True)
class IcmpItem:
    """One type of ICMP messages."""

    family: str
    number: int

    def covers(self, target: Target) -> bool:
        """Whether a message of this type is meant."""
        return target == Target(self.number, _ICMP[self.family])

    def words(self) -> dict[str, Any]:
        """In a policy."""
        return {"family": self.family, "type": self.number}

    def target(self) -> Target:
        """A flow that it covers."""
        return Target(self.number, _ICMP[self.family])
