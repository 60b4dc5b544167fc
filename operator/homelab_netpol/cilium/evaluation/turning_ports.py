"""The ports that are enough to ask about. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from homelab_netpol.cilium.evaluation.policy import Rule
from homelab_netpol.cilium.terms import LAST_PORT


def turning_ports(rules: Iterable[Rule]) -> tuple[int, ...]:
    """The ports, in order, at which some rule begins, or has ended: all others are like these."""
    turns = {1}
    for rule in rules:
        for span in rule.ports or ():
            turns |= {span.first, span.last + 1}
    return tuple(sorted(turn for turn in turns if 1 <= turn <= LAST_PORT))
