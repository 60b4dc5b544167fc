"""Ports: those that a grant opens, and those that are enough to ask about. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from homelab_netpol.intent import PortRange
from homelab_netpol.settings import Port


@dataclass(frozen=True, slots=True)
class GrantedPort:
    """One port, or a range of them up to `end`."""

    number: int
    end: int | None = None
    protocol: str = "TCP"

    @property
    def last(self) -> int:
        """The last port of the range, or the only one."""
        return self.number if self.end is None else self.end

    def holds(self, number: int, protocol: str) -> bool:
        """Whether a port is among them."""
        return protocol == self.protocol and self.number <= number <= self.last

    def telling(self, turns: Sequence[int]) -> list[int]:
        """Of the range the first port, and those at which some rule begins or has ended.

        All others are like one of these; `turns` are those of `turning_ports`.
        """
        return [self.number, *(turn for turn in turns if self.number < turn <= self.last)]


def granted_ports(ports: Iterable[Port]) -> tuple[GrantedPort, ...]:
    """The ports that settings or a custom resource list."""
    return tuple(GrantedPort(port.port, port.end_port, port.protocol.value) for port in ports)


def listed_ports(ports: Iterable[PortRange]) -> list[GrantedPort]:
    """The ports that an annotation lists."""
    return [GrantedPort(each.first, each.last or None, each.protocol) for each in ports]
