"""Columns of tables: each turns one contender's results of all rounds into a cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from bench.figures import Spread, percentile
from bench.tables import Table

Result = TypeVar("Result")
Other = TypeVar("Other")
NONE = "-"


class Column(NamedTuple, Generic[Result]):
    """A heading, and what makes a cell of the results by round."""

    heading: str
    cell: Callable[[Mapping[int, Result]], str]


def table(
    title: str,
    first: str,
    columns: Sequence[Column[Result]],
    found: Mapping[str, Mapping[int, Result]],
    note: str,
) -> Table:
    """A table with one row for each name in `found`; `first` heads the column of the names."""
    rows = [[name, *(each.cell(rounds) for each in columns)] for name, rounds in found.items()]
    return Table(title, (first, *(each.heading for each in columns)), rows, note)


def each_round(heading: str, read: Callable[[Result], float | None], digits: int) -> Column[Result]:
    """One figure a round: their median, and how far they lie apart; a dash if there is none."""

    def cell(found: Mapping[int, Result]) -> str:
        values = [value for each in found.values() if (value := read(each)) is not None]
        return Spread.of(values).text(digits) if values else NONE

    return Column(heading, cell)


def samples(
    heading: str, read: Callable[[Result], Sequence[float]], share: float, digits: int = 1
) -> Column[Result]:
    """A percentile of the samples of all rounds together, in milliseconds; they are in seconds."""

    def cell(found: Mapping[int, Result]) -> str:
        values = together(found, read)
        return f"{1e3 * percentile(values, share):.{digits}f}" if values else NONE

    return Column(heading, cell)


def ratio_to(
    heading: str, theirs: Mapping[int, Result], read: Callable[[Result], float]
) -> Column[Result]:
    """One figure, divided by another contender's of the same round."""

    def cell(found: Mapping[int, Result]) -> str:
        values = ratios(found, theirs, read)
        return Spread.of(values).text(2) if values else NONE

    return Column(heading, cell)


def ratios(
    mine: Mapping[int, Result], theirs: Mapping[int, Other], read: Callable[[Result | Other], float]
) -> list[float]:
    """Mine divided by theirs, in each round that has both.

    A round is one stretch of time on one machine: what slowed one down slowed the other down.
    """
    both = sorted(mine.keys() & theirs.keys())
    return [read(mine[number]) / read(theirs[number]) for number in both]


def together(found: Mapping[int, Result], read: Callable[[Result], Sequence[float]]) -> list[float]:
    """The samples of all rounds."""
    return [value for each in found.values() for value in read(each)]
