"""The limits that figures are held to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit with its unit; make it with one of the functions below.

    Attributes:
        text: as the table shows it.
        unit: of the figure.
        holds: whether a figure keeps to it.
    """

    text: str
    unit: str
    holds: Callable[[float], bool]

    def cells(self, value: float | None) -> list[str]:
        """For a table: the limit, the figure, and whether it is met; dashes if not measured."""
        if value is None:
            return [self.text, "-", "-"]
        figure = f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
        return [self.text, f"{figure} {self.unit}".strip(), "yes" if self.holds(value) else "NO"]


def less_than(limit: float, unit: str = "times") -> Limit:
    """The figure must be below the limit."""
    return Limit(f"< {limit:g} {unit}", unit, lambda value: value < limit)


def at_most(limit: float, unit: str = "times") -> Limit:
    """The figure may reach the limit, and not exceed it."""
    return Limit(f"≤ {limit:g} {unit}", unit, lambda value: value <= limit)


def at_least(limit: float, unit: str = "times") -> Limit:
    """The figure must reach the limit."""
    return Limit(f"≥ {limit:g} {unit}", unit, lambda value: value >= limit)


def none_at_all() -> Limit:
    """The figure is a number of things that must not happen."""
    return Limit("0", "", lambda value: value == 0)
