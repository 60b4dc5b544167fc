"""How much of something a scenario does."""

from __future__ import annotations

from dataclasses import dataclass

from bench.load.written import Written


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is done in one measurement.

    Attributes:
        namespaces: how many there are, or are created.
        samples: how often something that takes milliseconds is done.
        seconds: how long an operator that has nothing to do is watched.
        written: what an operator writes for a Namespace.
    """

    namespaces: int
    samples: int
    seconds: float
    written: Written
