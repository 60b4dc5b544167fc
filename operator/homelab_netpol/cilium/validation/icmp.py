"""ICMP types by number and by name.

The API server takes the names of both families in either, Cilium only those of the family given;
ExtendedEchoReply, which Cilium knows, is misspelt in its schema and so refused by the API server.
"""

from __future__ import annotations

import re
from typing import Any

from homelab_netpol.cilium.icmp_types import ICMP_V4, ICMP_V6
from homelab_netpol.cilium.validation.report import Path, Report, quoted
from homelab_netpol.cilium.validation.shapes import did_you_mean

_NUMBER = re.compile(r"0|[1-9][0-9]{0,2}")
_MOST = 255

# The API server refuses it: see above.
_MISSPELT = "ExtendedEchoReply"
_IPV4 = ICMP_V4.keys() - {_MISSPELT}
_IPV6 = ICMP_V6.keys() - {_MISSPELT}


def icmp_type(value: Any, path: Path, report: Report) -> bool:
    """Checks that a type is a number from 0 to 255 or a string; which names, depends on family."""
    if type(value) is int:
        # Cilium takes any number, and would make another rule of it.
        return 0 <= value <= _MOST or report.add(path, f"{value} is not between 0 and {_MOST}")
    if isinstance(value, str):
        return True
    return report.add(path, "must be a number from 0 to 255, or a name such as EchoRequest")


def field_meaning(value: Any, path: Path, report: Report) -> bool:
    """Checks that a type's name is one of its family; without a family, IPv4 is meant."""
    kind = value["type"]
    if not isinstance(kind, str):
        return True
    if _NUMBER.fullmatch(kind) and int(kind) <= _MOST:
        return True
    family = value.get("family", "IPv4")
    names = _IPV6 if family == "IPv6" else _IPV4
    if kind in names:
        return True
    if kind in _IPV6 | _IPV4:
        other = "IPv4" if family == "IPv6" else "IPv6"
        known = f"it is a type of {other}: say `family: {other}`"
    else:
        known = did_you_mean(kind, names)
    return report.add((path, "type"), f"{quoted(kind)} is no type of ICMP for {family}: {known}")
