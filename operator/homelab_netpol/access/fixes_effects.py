"""What a change does beside what it is for: the ways that it opens and closes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from homelab_netpol.access.ends import Member, Ports
from homelab_netpol.access.fixes import Change
from homelab_netpol.access.reach import beyond
from homelab_netpol.cilium.evaluation import Direction


@dataclass(frozen=True, slots=True)
class Effect:
    """What else a change opens, or closes.

    Attributes:
        namespace: whose pods.
        direction: into them, or out of them.
        peer: the other end.
        ports: on which ports.
    """

    namespace: str
    direction: Direction
    peer: str
    ports: tuple[Ports, ...]


@dataclass(frozen=True, slots=True)
class Fix:
    """A change with which the question was asked again, and everything passed.

    Attributes:
        change: what to change.
        opens: what it opens beside what was asked.
        closes: what it closes.
    """

    change: Change
    opens: tuple[Effect, ...] = ()
    closes: tuple[Effect, ...] = ()

    @property
    def cost(self) -> tuple[int, int, int]:
        """The less the better: what it closes, what it opens, how much there is to write."""
        return len(self.closes), len(self.opens), self.change.size


@dataclass(frozen=True, slots=True)
class KnownWay:
    """A way by its words, comparable between two clusters."""

    direction: Direction
    peer: str
    words: tuple[str, str]
    own: Member = field(compare=False)
    part: Member = field(compare=False)


OpenWays = Mapping[KnownWay, tuple[Ports, ...]]


def effects(
    namespace: str,
    after: OpenWays,
    before: OpenWays,
    asked: Callable[[KnownWay], Sequence[Ports]],
) -> list[Effect]:
    """What is open in the first and not in the second, but for what was asked."""
    found: dict[tuple[Direction, str], dict[Ports, None]] = {}
    for way, ports in after.items():
        new = beyond(beyond(ports, before.get(way, ())), asked(way))
        if new:
            found.setdefault((way.direction, way.peer), {}).update(dict.fromkeys(new))
    return [
        Effect(namespace, direction, peer, tuple(ports))
        for (direction, peer), ports in found.items()
    ]
