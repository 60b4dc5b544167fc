"""Whether the operator does its work: its event loop turns, its queue moves.

Knows neither HTTP nor the cluster.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

_BEAT_SECONDS = 1.0
# A key takes milliseconds; one that the API server leaves without an answer fails after 10 s
# (`requestTimeoutSeconds`), and that is a turn too.
_STUCK_SECONDS = 30.0


class Heartbeat:
    """Shows other threads that an event loop turns.

    Attributes:
        lag: seconds by which the last beat came late; long turns of the loop show here.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._due = clock()
        self.lag = 0.0

    async def beat(self) -> None:
        """Beats in the loop that is to be watched, until it is cancelled."""
        while True:
            now = self._clock()
            self.lag, self._due = max(0.0, now - self._due), now + _BEAT_SECONDS
            await asyncio.sleep(_BEAT_SECONDS)

    @property
    def stopped_seconds(self) -> float:
        """For how long the loop has certainly not turned; 0 while it does."""
        return max(0.0, self._clock() - self._due)


class StuckQueue:
    """Distinguishes a queue that no longer moves from one with much to do, and one at rest."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last_turn = 0.0
        self._since: float | None = None

    def because(self, waiting: int, last_turn: float) -> str | None:
        """Says why the queue counts as stuck; None when it does not.

        To be asked again and again while keys are to be worked on: only what did not change from
        one question to the next can be stuck.

        Args:
            waiting: how many keys wait for their turn now.
            last_turn: when the last turn ended; any number that each turn changes.
        """
        now = self._clock()
        if waiting == 0:
            self._since = None
            return None
        if self._since is None or last_turn != self._last_turn:
            self._last_turn, self._since = last_turn, now
        stuck = now - self._since
        if stuck <= _STUCK_SECONDS:
            return None
        return f"the queue is stuck: {waiting} keys wait, and no turn has ended for {stuck:.0f} s"
