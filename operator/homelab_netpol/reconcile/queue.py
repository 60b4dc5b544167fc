"""The work queue: which namespace, shared resource or baseline is looked at next.

A key is a request to look, not an event: however often it is added before its turn, it is worked on
once; it is never worked on twice at the same time; and what fails comes back later, each time a
little later.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
import time
from collections import deque
from collections.abc import Callable, Mapping
from enum import IntEnum
from operator import itemgetter
from typing import Any, NamedTuple

from homelab_netpol.policy.keys import WorkKey

_FIRST_RETRY_SECONDS = 0.05
# However long the API server was away: whoever opens a hatch waits a minute at the most.
_LAST_RETRY_SECONDS = 20.0


class Priority(IntEnum):
    """Who goes first: somebody waits at night for the hatch; nobody waits for a resync."""

    HATCH = 0
    CHANGE = 1
    TARGET = 2
    RESYNC = 3
    STATUS = 4


class Work(NamedTuple):
    """A key whose turn it is.

    Attributes:
        key: what to look at.
        since: monotonic time at which it was first asked for.
        attempt: how often it has failed in a row.
    """

    key: WorkKey
    since: float
    attempt: int


class WorkQueue:
    """A priority queue with one entry a key, delays, and a growing pause after failures."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
        pauses: tuple[float, float] = (_FIRST_RETRY_SECONDS, _LAST_RETRY_SECONDS),
    ) -> None:
        """Makes an empty queue.

        Args:
            clock: monotonic time.
            jitter: between 0 and 1; spreads what failed together.
            pauses: seconds after the first failure, and after the last of many.
        """
        self._first_pause, self._last_pause = pauses
        self._clock = clock
        self._jitter = jitter
        self._order = itertools.count()
        self._ready: list[tuple[int, int, WorkKey]] = []
        self._waiting: dict[WorkKey, tuple[int, int]] = {}
        self._since: dict[WorkKey, float] = {}
        self._active: set[WorkKey] = set()
        self._due_again: set[WorkKey] = set()
        self._again: dict[WorkKey, tuple[int, float]] = {}
        self._coalescing: set[WorkKey] = set()
        self._failures: dict[WorkKey, int] = {}
        self._doublings: dict[WorkKey, int] = {}
        self._timers: dict[WorkKey, tuple[asyncio.TimerHandle, int]] = {}
        self._waiters: deque[asyncio.Future[None]] = deque()

    def __len__(self) -> int:
        """How many keys wait for their turn now, those that are delayed left out."""
        return len(self._waiting)

    @property
    def idle(self) -> bool:
        """Nothing waits and nothing is being worked on; delayed keys do not count."""
        return not self._waiting and not self._active and not self._again

    @property
    def working(self) -> bool:
        """Something is being worked on."""
        return bool(self._active)

    @property
    def failures(self) -> Mapping[WorkKey, int]:
        """The keys that failed at their last turn, and how often in a row."""
        return self._failures

    def is_pending(self, key: WorkKey) -> bool:
        """The key waits for its turn, or for more to come with it, or is being worked on.

        One that waits because it failed, or because another goes first, does not count.
        """
        return key in self._waiting or key in self._active or key in self._coalescing

    def snapshot(self, most: int = 1_000) -> dict[str, Any]:
        """Describes the queue for JSON: how many keys there are, and the first ones of them.

        Those that are worked on come first, then those that wait, in the order of their turns, then
        the delayed ones. `failures` counts those in a row.

        Args:
            most: keys to list.
        """

        def row(key: WorkKey, state: str, priority: int | None, **more: float) -> dict[str, Any]:
            about = {"state": state, "scope": key.scope, "name": key.name}
            urgency = {} if priority is None else {"priority": Priority(priority).name.lower()}
            return {**about, **urgency, **more, "failures": self._failures.get(key, 0)}

        now, loop_now = self._clock(), asyncio.get_running_loop().time()
        first_turns = heapq.nsmallest(most, self._waiting.items(), key=itemgetter(1))
        due = {key: timer.when() - loop_now for key, (timer, _) in self._timers.items()}
        rows = [
            *(row(key, "active", None) for key in sorted(self._active)),
            *(
                row(key, "waiting", priority, waitedSeconds=round(now - self._since[key], 3))
                for key, (priority, _) in first_turns
            ),
            *(
                row(key, "delayed", self._timers[key][1], dueInSeconds=round(seconds, 3))
                for key, seconds in heapq.nsmallest(most, due.items(), key=itemgetter(1))
            ),
        ]
        return {
            "active": len(self._active),
            "waiting": len(self._waiting),
            "delayed": len(self._timers),
            "keys": rows[:most],
        }

    def coalesce(self, key: WorkKey, priority: Priority, delay: float) -> None:
        """Asks for a key to be looked at once, for all that is asked for within some seconds."""
        if key not in self._waiting:
            self._coalescing.add(key)
        self.add(key, priority, delay=delay)

    def add(self, key: WorkKey, priority: Priority, *, delay: float = 0.0) -> None:
        """Asks for a key to be looked at.

        Args:
            key: what to look at.
            priority: who goes first; the most urgent of several requests counts.
            delay: seconds to wait first; a request without a delay overtakes one with.
        """
        now = self._clock()
        self._since.setdefault(key, now)
        if key in self._active:
            known, due = self._again.get(key, (priority, now + delay))
            self._again[key] = (min(priority, known), min(due, now + delay))
            return
        timer = self._timers.get(key)
        if delay > 0:
            loop = asyncio.get_running_loop()
            sooner = timer is None or loop.time() + delay < timer[0].when()
            if key in self._waiting or not sooner:
                return
        if timer is not None:
            timer[0].cancel()
            del self._timers[key]
        if delay > 0:
            self._timers[key] = (loop.call_later(delay, self._due, key), priority)
        else:
            self._push(key, priority)

    async def get(self) -> Work:
        """Waits for the next key. Whoever takes one must give it back with `done` or `retry`."""
        while True:
            while self._ready:
                priority, order, key = heapq.heappop(self._ready)
                if self._waiting.get(key) == (priority, order):
                    del self._waiting[key]
                    self._active.add(key)
                    return Work(key, self._since.pop(key), self._failures.get(key, 0))
            await self._wait()

    def done(self, key: WorkKey) -> None:
        """The key was worked on; if it was asked for meanwhile, it comes again."""
        self._failures.pop(key, None)
        self._doublings.pop(key, None)
        self._release(key)

    def retry(self, key: WorkKey, *, at_least: float = 0.0) -> float:
        """The key could not be worked on and must come again later.

        Args:
            key: what failed.
            at_least: seconds that the server asked us to wait.

        Returns:
            Seconds until it comes again, unless something new about it comes sooner.
        """
        self._failures[key] = self._failures.get(key, 0) + 1
        # A change that comes meanwhile is tried at once, and is no reason to wait longer.
        if key in self._due_again:
            self._doublings[key] = min(self._doublings.get(key, 0) + 1, 16)
        pause: float = min(self._first_pause * 2.0 ** self._doublings.get(key, 0), self._last_pause)
        pause = max(pause * (0.75 + 0.5 * self._jitter()), at_least)
        self._release(key)
        if key not in self._waiting:
            self.add(key, Priority.CHANGE, delay=pause)
        return pause

    def _release(self, key: WorkKey) -> None:
        self._active.discard(key)
        self._due_again.discard(key)
        again = self._again.pop(key, None)
        if again is not None:
            priority, due = again
            self.add(key, Priority(priority), delay=due - self._clock())

    def _due(self, key: WorkKey) -> None:
        _, priority = self._timers.pop(key)
        self._due_again.add(key)
        self._push(key, priority)

    def _push(self, key: WorkKey, priority: int) -> None:
        current = self._waiting.get(key)
        if current is not None and current[0] <= priority:
            return
        entry = (priority, next(self._order))
        self._coalescing.discard(key)
        self._waiting[key] = entry
        heapq.heappush(self._ready, (*entry, key))
        self._wake_one()

    async def _wait(self) -> None:
        """Until a key has come. One is woken for each key: to wake all of them costs more."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled():
                self._wake_one()  # for the key that we were woken for
            raise

    def _wake_one(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
