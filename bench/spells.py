"""When a process was busy, from its CPU time read again and again."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

_BUSY = 0.05  # of a core, from one reading to the next
_PAUSE_SECONDS = 1.0  # what is further apart is not the same spell
_LEAST_CPU_SECONDS = 0.01  # less is an idle process's housekeeping


class Reading(NamedTuple):
    """The CPU time that a process had used at some moment, both in seconds."""

    at: float
    cpu: float


class Spell(NamedTuple):
    """A time in which a process was busy, with no longer pause in it."""

    start: float
    end: float
    cpu: float

    @property
    def seconds(self) -> float:
        """How long it lasted."""
        return self.end - self.start


def spells(readings: Sequence[Reading]) -> list[Spell]:
    """The times in which the process was busy.

    Args:
        readings: in the order of time; a spell's ends are as exact as these are close.
    """
    found: list[Spell] = []
    for before, now in pairwise(readings):
        used = now.cpu - before.cpu
        if used < _BUSY * (now.at - before.at):
            continue
        if found and before.at - found[-1].end < _PAUSE_SECONDS:
            found[-1] = Spell(found[-1].start, now.at, found[-1].cpu + used)
        else:
            found.append(Spell(before.at, now.at, used))
    return [spell for spell in found if spell.cpu >= _LEAST_CPU_SECONDS]
