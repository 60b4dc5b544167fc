"""Whether a gateway is for the home network or for the internet, by names and addresses. Pure.

A name is a guess that its owner can confirm; an address of the internet is nearly certain.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from homelab_netpol.detect.objects import Address

_INTERNAL = frozenset({"internal", "intern", "private", "lan", "intranet"})
_EXTERNAL = frozenset({"external", "extern", "public", "internet", "wan", "dmz"})
_WORD = re.compile(r"[a-z]+")


@dataclass(frozen=True, slots=True)
class Side:
    """Where a gateway lets in from.

    Attributes:
        internal: the home or office network.
        external: the internet.
        because: how that is known; "": it is not.
    """

    internal: bool
    external: bool
    because: str = ""


UNKNOWN = Side(internal=True, external=True)


def side_of(names: Iterable[str], addresses: Iterable[Address]) -> Side:
    """Where it lets in from, by the first of its names that says so, else by its addresses.

    Args:
        names: its own, of its release, its class and its namespace; the most telling first.
        addresses: of its load balancer.
    """
    for name in names:
        words = set(_WORD.findall(name.lower()))
        internal, external = bool(words & _INTERNAL), bool(words & _EXTERNAL)
        if internal != external:
            which = "internal" if internal else "external"
            return Side(internal, external, f'"{name}" sounds {which}')
    public = [each for each in addresses if each.is_global]
    if public:
        return Side(internal=False, external=True, because=f"its address {public[0]} is public")
    return UNKNOWN
