"""Ranges of ports: where rules begin and end, and how ranges are joined again. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from homelab_netpol.access.diff.rules import Atom
from homelab_netpol.cilium.evaluation.policy import PortSpan
from homelab_netpol.cilium.terms import LAST_PORT, TRANSPORT_PROTOCOLS


@dataclass(frozen=True, slots=True)
class PortRange:
    """Ports of one protocol, or a port by its name."""

    protocol: str
    first: int
    last: int
    name: str = ""


def ranges_of(span: PortSpan | None, turns: Sequence[int]) -> list[PortRange]:
    """The ports of a span, cut where `turns` say: each range is alike in all rules."""
    first, last = (span.first, span.last) if span is not None and span.first else (1, LAST_PORT)
    protocols = TRANSPORT_PROTOCOLS if span is None else tuple(span.protocols)
    starts = [first, *(turn for turn in turns if first < turn <= last)]
    ends = [*(start - 1 for start in starts[1:]), last]
    return [
        PortRange(protocol, *ports)
        for protocol in protocols
        if protocol in TRANSPORT_PROTOCOLS
        for ports in zip(starts, ends, strict=True)
    ]


def joined_ranges(ranges: Iterable[PortRange]) -> tuple[PortRange, ...]:
    """Joins ranges that follow each other, or have ports in common."""
    found: list[PortRange] = []
    order = {protocol: number for number, protocol in enumerate(TRANSPORT_PROTOCOLS)}
    for one in sorted(ranges, key=lambda each: (order[each.protocol], each.name, each.first)):
        last = found[-1] if found else None
        follows = (
            last is not None
            and (last.protocol, last.name) == (one.protocol, one.name)
            and one.first <= last.last + 1
            and not one.name
        )
        if follows and last is not None:
            found[-1] = PortRange(one.protocol, last.first, max(last.last, one.last))
        else:
            found.append(one)
    return tuple(found)


def is_among(one: PortRange, said: Iterable[tuple[PortRange, ...]]) -> bool:
    """Whether a range is part of some that are said, of which an empty tuple is all ports."""
    return any(
        not ranges
        or any(
            (each.protocol, each.name) == (one.protocol, one.name)
            and each.first <= one.first
            and one.last <= each.last
            for each in ranges
        )
        for ranges in said
    )


def is_every_port(ranges: Iterable[PortRange]) -> bool:
    """Whether some ranges are all ports of all protocols."""
    joined = joined_ranges(ranges)
    whole = {one.protocol for one in joined if (one.first, one.last) == (1, LAST_PORT)}
    return whole == set(TRANSPORT_PROTOCOLS)


def ports_of(atoms: Iterable[Atom]) -> tuple[PortRange, ...]:
    """The ports that atoms are about; empty: all of all protocols."""
    ranges: dict[PortRange, None] = {}
    for atom in atoms:
        if atom.span is not None and atom.span.name:
            ranges |= {PortRange(each, 0, 0, atom.span.name): None for each in atom.span.protocols}
        else:
            ranges |= dict.fromkeys(ranges_of(atom.span, ()))
    return () if is_every_port(ranges) else joined_ranges(ranges)
