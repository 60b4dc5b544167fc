"""Backoff: how long a key that failed waits before its next turn."""

from __future__ import annotations

import random
from collections.abc import Callable

from homelab_netpol.policy.keys import WorkKey

_FIRST_SECONDS = 0.05
# However long the API server was away, an open hatch takes effect within a minute.
_LAST_SECONDS = 20.0


def spread(pause: float, jitter: Callable[[], float] = random.random) -> float:
    """A pause that is up to a quarter shorter or longer, so that what failed together is apart.

    Args:
        pause: in seconds.
        jitter: between 0 and 1.
    """
    return pause * (0.75 + 0.5 * jitter())


class Backoff:
    """Exponential backoff by key, with jitter that spreads what failed together.

    Attributes:
        failures: the keys that failed at their last turn, and how often in a row.
    """

    def __init__(
        self,
        jitter: Callable[[], float] = random.random,
        pauses: tuple[float, float] = (_FIRST_SECONDS, _LAST_SECONDS),
    ) -> None:
        """Prepares.

        Args:
            jitter: between 0 and 1.
            pauses: seconds after the first failure, and after the last of many.
        """
        self._jitter = jitter
        self._first, self._last = pauses
        self.failures: dict[WorkKey, int] = {}
        self._doublings: dict[WorkKey, int] = {}

    def failed(self, key: WorkKey, *, waited: bool, at_least: float) -> float:
        """Records a failure.

        Args:
            key: what failed.
            waited: this turn came after the last pause. A change that comes during a pause is tried
                at once, and is no reason for a longer one.
            at_least: seconds that the server asked us to wait.

        Returns:
            Seconds to wait now.
        """
        self.failures[key] = self.failures.get(key, 0) + 1
        if waited:
            self._doublings[key] = min(self._doublings.get(key, 0) + 1, 16)
        pause: float = min(self._first * 2.0 ** self._doublings.get(key, 0), self._last)
        return max(spread(pause, self._jitter), at_least)

    def succeeded(self, key: WorkKey) -> None:
        """Forgets a key's failures."""
        self.failures.pop(key, None)
        self._doublings.pop(key, None)
