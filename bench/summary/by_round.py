"""Figures of several rounds: side by side, and divided round by round."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from bench.figures import Spread, percentile

Mine = TypeVar("Mine")
Theirs = TypeVar("Theirs")
NONE = "-"


def spread(found: Mapping[int, Mine], read: Callable[[Mine], float], digits: int) -> str:
    """The median of the rounds, and how far they lie apart; a dash if there is none."""
    if not found:
        return NONE
    return Spread.of([read(each) for each in found.values()]).text(digits)


def ratios(
    mine: Mapping[int, Mine],
    read_mine: Callable[[Mine], float],
    theirs: Mapping[int, Theirs],
    read_theirs: Callable[[Theirs], float],
) -> list[float]:
    """Mine divided by theirs, in each round that has both.

    A round is one stretch of time on one machine: what slowed one down slowed the other down.
    """
    return [
        read_mine(mine[number]) / read_theirs(theirs[number])
        for number in sorted(mine.keys() & theirs.keys())
    ]


def ratio(values: Sequence[float], digits: int = 2) -> str:
    """Ratios as a table shows them; a dash if there is none."""
    return Spread.of(values).text(digits) if values else NONE


def milliseconds(seconds: Sequence[float], share: float, digits: int = 1) -> str:
    """A percentile of seconds, in milliseconds; a dash if there are none."""
    return f"{1e3 * percentile(seconds, share):.{digits}f}" if seconds else NONE


def together(found: Mapping[int, Mine], read: Callable[[Mine], Sequence[float]]) -> list[float]:
    """The samples of all rounds."""
    return [value for each in found.values() for value in read(each)]
