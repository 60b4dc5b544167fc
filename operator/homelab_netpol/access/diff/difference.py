"""What a comparison of two sets of rules finds. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

from homelab_netpol.access.diff.answers import Passes
from homelab_netpol.access.diff.ports import PortRange, joined_ranges
from homelab_netpol.access.diff.rules import Atom, Labels
from homelab_netpol.cilium.evaluation import Direction, Endpoint, PolicyRef
from homelab_netpol.cilium.evaluation.matchers import Matcher


@dataclass(frozen=True, slots=True)
class Example:
    """One connection that comes out differently.

    Attributes:
        pod: labels of the Namespace's pod.
        peer: the other end.
        port: the port.
        protocol: TCP, UDP or SCTP.
        before: what became of it.
        after: what becomes of it.
    """

    pod: Labels
    peer: Endpoint
    port: int
    protocol: str
    before: Passes
    after: Passes


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that pods of a Namespace may do now, or no longer.

    Attributes:
        gain: it passes now; else it no longer does.
        direction: seen from the Namespace.
        subject: which of its pods.
        peer: the other end; None: everything but what rules allow.
        ports: the ports; empty: all of all protocols.
        certain: of no doubt.
        filtered: of the requests only some pass, by rules of HTTP, DNS etc.: now, or until now.
        policies: whose rules came or went.
        example: one of the connections.
        part: of the peer, which is networks, only some addresses are meant.
    """

    gain: bool
    direction: Direction
    subject: Matcher
    peer: Matcher | None
    ports: tuple[PortRange, ...]
    certain: bool
    filtered: bool
    policies: tuple[PolicyRef, ...]
    example: Example
    part: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs.

    Attributes:
        differences: losses and gains.
        without_effect: what came or went and changes no connection, as other rules, or none at
            all, allow it anyway; each with whether it came, and its policies.
        is_cut: there was more to ask than is asked: that nothing else differs is not certain.
    """

    differences: tuple[Difference, ...] = ()
    without_effect: tuple[tuple[bool, Atom, tuple[PolicyRef, ...]], ...] = ()
    is_cut: bool = False


def joined(differences: Iterable[Difference]) -> list[Difference]:
    """Joins those that are alike but for their ports."""
    found: dict[tuple[object, ...], Difference] = {}
    for each in differences:
        key = (each.gain, each.direction, each.subject, each.peer, each.filtered, each.part)
        known = found.get(key)
        if known is None:
            found[key] = each
            continue
        ports = (
            () if not (known.ports and each.ports) else joined_ranges({*known.ports, *each.ports})
        )
        better = each if each.certain and not known.certain else known
        found[key] = dataclasses.replace(
            known,
            ports=ports,
            certain=known.certain or each.certain,
            policies=tuple(dict.fromkeys((*known.policies, *each.policies))),
            example=better.example,
        )
    return list(found.values())
