"""The few figures that a series of measurements is reduced to."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile: always one of the values, never one made up between two.

    Args:
        values: at least one.
        share: between 0 and 1, such as 0.99.

    Raises:
        ValueError: there are no values, or the share is out of range.
    """
    if not values or not 0 <= share <= 1:
        raise ValueError("a percentile needs a value, and a share between 0 and 1")
    # Rounded first: 0.07 * 100 is a little more than 7, and would take the eighth.
    rank = math.ceil(round(share * len(values), 9))
    return sorted(values)[max(rank, 1) - 1]


@dataclass(frozen=True, slots=True)
class Spread:
    """One figure over several rounds: its median, and how far the rounds lie apart."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """Sums up the rounds.

        Raises:
            ValueError: there was no round.
        """
        if not values:
            raise ValueError("no round to sum up")
        return cls(statistics.median(values), min(values), max(values))

    def text(self, digits: int) -> str:
        """As a table shows it: the median, then the least and the most in brackets."""
        if self.least == self.most:
            return f"{self.median:.{digits}f}"
        return f"{self.median:.{digits}f} ({self.least:.{digits}f}..{self.most:.{digits}f})"
