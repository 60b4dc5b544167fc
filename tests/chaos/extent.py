"""How much is tried: the bounded run by default, CHAOS_LONG=1 for the long one; CHAOS_SEED."""

from __future__ import annotations

import os

LONG = bool(os.environ.get("CHAOS_LONG"))
SEED = os.environ.get("CHAOS_SEED", "1")
SEEDS = tuple(f"{SEED}-{number}" for number in range(1, 4)) if LONG else (SEED,)


def times(bounded: int, long: int) -> int:
    """How often something is done, in the run at hand."""
    return long if LONG else bounded
