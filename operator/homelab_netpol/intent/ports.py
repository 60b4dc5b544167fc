"""Lists of ports as people write them in an annotation."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from homelab_netpol.cilium import terms

# ASCII digits only: int() also takes those of other scripts, which a reader could misread.
_PORT = re.compile(r"[0-9]{1,5}")
_RANGE = re.compile(
    rf"(?:({'|'.join(terms.TRANSPORT_PROTOCOLS)})/)?([0-9]{{1,5}})(?:-([0-9]{{1,5}}))?"
)

# A mesh adds one port to the rule.
MAX_PORTS = terms.MAX_PORTS - 1
MAX_RANGES = terms.MAX_PORTS
_MAX_CHARS = 1024


class PortRange(NamedTuple):
    """Ports of one protocol: one, or a range of them.

    Attributes:
        protocol: TCP, UDP or SCTP.
        first: the number.
        last: of a range the last; 0: it is one port.
    """

    protocol: str
    first: int
    last: int = 0

    def data(self) -> dict[str, Any]:
        """As templates see a port."""
        return {"port": self.first, "endPort": self.last or None, "protocol": self.protocol}

    def __str__(self) -> str:
        """As the annotation writes it."""
        number = f"{self.first}-{self.last}" if self.last else str(self.first)
        return number if self.protocol == "TCP" else f"{self.protocol}/{number}"


def parse_ports(text: str) -> tuple[int, ...] | None:
    """Reads ports separated by commas, in any order.

    Returns:
        The ports, ascending, each once; None if the text is anything else than 1 to 39 of them.
    """
    parts = [part.strip() for part in text[:_MAX_CHARS].split(",")]
    if len(text) > _MAX_CHARS or not all(_PORT.fullmatch(part) for part in parts):
        return None
    ports = sorted({int(part) for part in parts})
    if len(ports) > MAX_PORTS or not all(1 <= port <= terms.LAST_PORT for port in ports):
        return None
    return tuple(ports)


def parse_port_ranges(text: str) -> tuple[PortRange, ...] | None:
    """Reads ports such as `80,443,UDP/27000-27050`: TCP unless said, ranges with a hyphen.

    Returns:
        The ports in order, each once; None if the text is anything else than 1 to 40 of them.
    """
    parts = [part.strip() for part in text[:_MAX_CHARS].split(",")]
    matches = [_RANGE.fullmatch(part) for part in parts]
    if len(text) > _MAX_CHARS or None in matches:
        return None
    found: set[PortRange] = set()
    for match in filter(None, matches):
        first, last = int(match[2]), int(match[3] or match[2])
        if not 1 <= first <= last <= terms.LAST_PORT:
            return None
        found.add(PortRange(match[1] or "TCP", first, last if last > first else 0))
    return tuple(sorted(found)) if len(found) <= MAX_RANGES else None


def port_ranges_text(ports: tuple[PortRange, ...]) -> str:
    """The reverse."""
    return ",".join(map(str, ports))
