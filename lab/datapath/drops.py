"""What the agent dropped, read from the file to which Hubble exports it while it is written."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_POLICY_DENIED = frozenset({"POLICY_DENIED", "POLICY_DENY"})


@dataclass(frozen=True)
class Drop:
    """A packet that was dropped.

    Attributes:
        protocol: TCP, UDP or ICMP.
        source: The sender's address and port; the port of ICMP is 0.
        target: The receiver's.
        reason: Why, in Hubble's word, e.g. `POLICY_DENIED`.
        flow: Hubble's own words for all of it: an object of its export.
    """

    protocol: str
    source: tuple[str, int]
    target: tuple[str, int]
    reason: str
    flow: dict[str, Any]

    @property
    def by_policy(self) -> bool:
        """Whether a policy is why."""
        return self.reason in _POLICY_DENIED


class Drops:
    """The drops since it was made, each given once.

    Args:
        path: The file; it need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = path.stat().st_size if path.exists() else 0
        self._rest = b""

    def read(self) -> Iterator[Drop]:
        """Those that were not read before."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._position)
            text = self._rest + file.read()
            self._position = file.tell()
        *lines, self._rest = text.split(b"\n")
        for line in lines:
            if drop := _read(json.loads(line)):
                yield drop


def _read(exported: dict[str, Any]) -> Drop | None:
    flow = exported.get("flow", {})
    layer, addresses = flow.get("l4", {}), flow.get("IP", {})
    if not addresses:
        return None
    for name, protocol in (("TCP", "TCP"), ("UDP", "UDP"), ("ICMPv4", "ICMP")):
        if name in layer:
            return Drop(
                protocol,
                (addresses["source"], layer[name].get("source_port", 0)),
                (addresses["destination"], layer[name].get("destination_port", 0)),
                flow.get("drop_reason_desc", ""),
                exported,
            )
    return None
