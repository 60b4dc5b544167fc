"""Lists of TCP ports as people write them in an annotation."""

from __future__ import annotations

import re

# ASCII digits only: int() also takes those of other scripts, which a reader could misread.
_PORT = re.compile(r"[0-9]{1,5}")

# Cilium's CRD takes at most 40 ports in one rule (`maxItems` of toPorts.ports); a mesh adds one.
MAX_PORTS = 39
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
