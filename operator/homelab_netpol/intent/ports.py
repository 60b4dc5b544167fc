"""Lists of TCP ports as people write them in an annotation."""

from __future__ import annotations

import re

from homelab_netpol.cilium import terms

# ASCII digits only: int() also takes those of other scripts, which a reader could misread.
_PORT = re.compile(r"[0-9]{1,5}")

# A mesh adds one port to the rule.
MAX_PORTS = terms.MAX_PORTS - 1
_MAX_CHARS = 1024


def parse_ports(text: str) -> tuple[int, ...] | None:
    """Reads ports separated by commas, in any order.

    Returns:
        The ports, ascending, each once; None if the text is anything else than 1 to 39 of them.
    """
    parts = [part.strip() for part in text[:_MAX_CHARS].split(",")]
    if len(text) > _MAX_CHARS or not all(_PORT.fullmatch(part) for part in parts):
        return None
    ports = sorted({int(part) for part in parts})
    if len(ports) > MAX_PORTS or not all(1 <= port <= 65535 for port in ports):
        return None
    return tuple(ports)
