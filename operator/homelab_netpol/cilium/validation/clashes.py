"""What goes together in none of Cilium's proxies, although each part by itself is sound.

Cilium takes such a policy and calls it valid. Then it cannot work out what holds for the pods that
the policy selects, whatever their other policies say.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from homelab_netpol.cilium.validation.report import Path, Report


def one_reading(value: Any, path: Path, report: Report) -> bool:
    """Checks that each port in one direction is read in one way.

    HTTP rules, DNS rules, and names of servers in TLS that nobody terminates exclude each other.
    Cilium minds only where they meet at one peer; but whether two peers have something in common
    is for Cilium to say, and whoever knows that they have not can write two policies.
    """
    sound = True
    for direction in ("ingress", "egress"):
        seen: dict[tuple[str, str], str] = {}
        for index, item in enumerate(value.get(direction, ())):
            for number, ports in enumerate(item.get("toPorts", ())):
                sort = _reading(ports)
                if not sort:
                    continue
                others = {seen.setdefault(key, sort) for key in _carriers(ports)} - {sort}
                if others:
                    place = ((((path, direction), index), "toPorts"), number)
                    pair = f"{sort} and {others.pop()}"
                    what = f"{pair} do not go together on one port: make a policy for each"
                    sound = report.add(place, what)
    return sound


def _reading(ports: Any) -> str:
    for sort in ports.get("rules", ()):
        return str(sort)
    return "serverNames" if "serverNames" in ports and "terminatingTLS" not in ports else ""


def _carriers(ports: Any) -> Iterator[tuple[str, str]]:
    """Each port under each protocol that it stands for."""
    for port in ports["ports"]:
        protocol = port.get("protocol", "ANY")
        for carrier in ("TCP", "UDP", "SCTP") if protocol == "ANY" else (protocol,):
            yield port["port"].lower(), carrier
