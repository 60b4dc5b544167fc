"""What the generator writes into annotations, and what each text means by the documentation."""

from __future__ import annotations

from collections.abc import Mapping

from tests.worlds.ports import PortItem

# Deadlines, and whether the hatch is open with each at noon. A text that is no deadline leaves the
# hatch open: nobody is locked out by a typing mistake.
DEADLINES = {
    "2026-03-01T11:00:00Z": False,
    "2026-03-01T18:00:00Z": True,
    "2h": True,
    "soon": True,
}
UNREADABLE = "http"
# gateway-ports. What cannot be read lets no gateway in.
PORT_LISTS: Mapping[str, tuple[int, ...] | None] = {
    "8080,9090": (8080, 9090),
    "80": (80,),
    UNREADABLE: None,
}
# internet-ports, lan-ports and world-ports. What cannot be read opens nothing.
RANGE_LISTS: Mapping[str, tuple[PortItem, ...] | None] = {
    "80,443,UDP/443": (PortItem(80), PortItem(443), PortItem(443, protocol="UDP")),
    "8000-8100": (PortItem(8000, 8100),),
    "1883,UDP/27015": (PortItem(1883), PortItem(27015, protocol="UDP")),
    UNREADABLE: None,
}
