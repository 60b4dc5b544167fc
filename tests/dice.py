"""Chance that repeats itself: a run that failed is run again by its seed."""

from __future__ import annotations

from random import Random


def seeded(seed: float | str) -> Random:
    """Dice that fall the same way for the same seed."""
    return Random(seed)  # noqa: S311 - no secret is made of it, and a run must be repeatable
