"""A bar that a figure must clear, and the row that says whether it did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar; make it with one of the functions below.

    Attributes:
        text: as the table shows it.
        unit: of the figure.
        clears: whether a figure does.
    """

    text: str
    unit: str
    clears: Callable[[float], bool]

    def row(self, what: str, value: float) -> list[str]:
        """The cells: what, the bar, the figure, and whether it was met."""
        met = "yes" if self.clears(value) else "NO"
        return [what, self.text, f"{value:,.3g} {self.unit}".strip(), met]


def less_than(bar: float, unit: str = "times") -> Bar:
    """The figure must be below the bar."""
    return Bar(f"< {bar:g} {unit}", unit, lambda value: value < bar)


def at_most(bar: float, unit: str = "times") -> Bar:
    """The figure may reach the bar, and not exceed it."""
    text = f"≤ {bar:g} {unit}".strip() if bar else "0"
    return Bar(text, unit, lambda value: value <= bar)


def more_than(bar: float, unit: str = "times") -> Bar:
    """The figure must exceed the bar."""
    return Bar(f"> {bar:g} {unit}", unit, lambda value: value > bar)


def at_least(bar: float, unit: str = "times") -> Bar:
    """The figure must reach the bar."""
    return Bar(f"≥ {bar:g} {unit}", unit, lambda value: value >= bar)
