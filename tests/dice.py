"""Chance that repeats itself: a run that failed is run again by its seed."""

from __future__ import annotations

from random import Random


class Dice(Random):
    """Dice that fall the same way for the same seed; no secret is made of them."""


def seeded(seed: float | str) -> Dice:
    """Dice of a seed."""
    return Dice(seed)
