"""The work queue: which namespace, shared resource or baseline is reconciled next.

A key is a request, not an event: however often it is added before its turn, it is worked on once;
it is never worked on twice at the same time; what fails comes back later, each time a little later.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any, NamedTuple

from homelab_netpol.policy.keys import Scope, WorkKey
from homelab_netpol.reconcile.backoff import Backoff
from homelab_netpol.reconcile.requests import Priority, Requests

log = logging.getLogger(__name__)

# So much time lies between the starts of two turns of a key at least. A burst of grants changes a
# resource's list of consumers many times, and a status may be a moment old; the first turn does not
# wait.
_INTERVALS = {
    Scope.TARGET: 0.1,
    Scope.GATEWAY: 0.1,
    Scope.CALLERS: 0.1,
    Scope.PROFILE_STATUS: 1.0,
    Scope.RESOURCE_STATUS: 1.0,
}
# In a burst of changes more follows at once.
_BUSY_SECONDS = 0.2


class Work(NamedTuple):
    """A key whose turn it is.

    Attributes:
        key: what to reconcile.
        since: monotonic time at which it was first requested.
        priority: of the most urgent request.
    """

    key: WorkKey
    since: float
    priority: int


class WorkQueue:
    """A priority queue with one entry a key, delays, and a growing pause after failures.

    Attributes:
        last_turn: when the last turn of a key ended, in monotonic time.
    """

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, backoff: Backoff | None = None
    ) -> None:
        """Makes an empty queue.

        Args:
            clock: monotonic time.
            backoff: how long failed keys wait; the usual one by default.
        """
        self._clock = clock
        self._backoff = backoff or Backoff()
        self._order = itertools.count()
        self._ready: list[tuple[int, int, WorkKey]] = []
        self._waiting: dict[WorkKey, tuple[int, int]] = {}
        self._since: dict[WorkKey, float] = {}
        self._active: set[WorkKey] = set()
        self._due_again: set[WorkKey] = set()
        self._again: dict[WorkKey, tuple[int, float]] = {}
        self._coalescing: set[WorkKey] = set()
        self._timers: dict[WorkKey, tuple[asyncio.TimerHandle, int]] = {}
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._started: dict[WorkKey, float] = {}
        self._first_pass: set[WorkKey] = set()
        self.last_turn = 0.0

    def __len__(self) -> int:
        """How many keys wait for their turn, without the delayed ones."""
        return len(self._waiting)

    @property
    def idle(self) -> bool:
        """Nothing waits and nothing is being worked on; delayed keys do not count."""
        return not self._waiting and not self._active and not self._again

    def is_busy(self) -> bool:
        """It is not idle, or was not a moment ago."""
        return not self.idle or self._clock() - self.last_turn < _BUSY_SECONDS

    @property
    def first_pass_done(self) -> bool:
        """Each key of the first list has had a turn, whether or not that went well."""
        return not self._first_pass

    @property
    def working(self) -> bool:
        """Something is being worked on."""
        return bool(self._active)

    @property
    def failures(self) -> Mapping[WorkKey, int]:
        """The keys that failed at their last turn, and how often in a row."""
        return self._backoff.failures

    def is_pending(self, key: WorkKey) -> bool:
        """The key waits for its turn, or for more to come with it, or is being worked on.

        One that waits because it failed, or because another goes first, does not count.
        """
        return key in self._waiting or key in self._active or key in self._coalescing

    def snapshot(self, most: int = 1_000) -> dict[str, Any]:
        """Describes the queue for JSON: how many keys there are, and the first of them.

        First those that are worked on, then those that wait, in the order of their turns, then the
        delayed ones; at most so many. `failures` counts those in a row.
        """

        def row(key: WorkKey, state: str, priority: int | None, **more: float) -> dict[str, Any]:
            about = {"state": state, "scope": key.scope, "name": key.name}
            urgency = {} if priority is None else {"priority": Priority(priority).name.lower()}
            return {**about, **urgency, **more, "failures": self.failures.get(key, 0)}

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

    def start(self, requests: Requests) -> None:
        """Adds the requests of the first list."""
        self._first_pass = set(requests)
        self.enqueue(requests)

    def enqueue(self, requests: Requests) -> None:
        """Adds requests, and keeps the interval between two turns of a key."""
        now = self._clock()
        for key, priority in requests.items():
            interval = _INTERVALS.get(key.scope)
            wait = 0.0 if interval is None else self._started.get(key, -interval) + interval - now
            if wait > 0:
                self.coalesce(key, priority, wait)
            else:
                self.add(key, priority)

    def coalesce(self, key: WorkKey, priority: Priority, delay: float) -> None:
        """Requests one turn for all requests within some seconds."""
        if key not in self._waiting:
            self._coalescing.add(key)
        self.add(key, priority, delay=delay)

    def add(self, key: WorkKey, priority: Priority, *, delay: float = 0.0) -> None:
        """Requests a turn of a key.

        Args:
            key: what to reconcile.
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
        """Waits for the next key, to be given back by `done`, `retry` or `put_back`."""
        while True:
            while self._ready:
                priority, order, key = heapq.heappop(self._ready)
                if self._waiting.get(key) == (priority, order):
                    del self._waiting[key]
                    self._active.add(key)
                    if key.scope in _INTERVALS:
                        self._started[key] = self._clock()
                    return Work(key, self._since.pop(key), priority)
            await self._wait()

    def done(self, key: WorkKey) -> None:
        """The key was worked on; if it was asked for meanwhile, it comes again."""
        self._backoff.succeeded(key)
        self._end_turn(key)

    def put_back(self, work: Work, delay: float = 0.0) -> None:
        """The key was not worked on after all, or not to its end; that is no failure."""
        self._active.discard(work.key)
        self._since.setdefault(work.key, work.since)
        self.add(work.key, Priority(work.priority), delay=delay)
        self._add_again(work.key)

    def retry(self, key: WorkKey, *, at_least: float = 0.0) -> float:
        """The key could not be worked on and must come again later.

        Args:
            key: what failed.
            at_least: seconds that the server asked us to wait.

        Returns:
            Seconds until it comes again, unless something new about it comes sooner.
        """
        pause = self._backoff.failed(key, waited=key in self._due_again, at_least=at_least)
        self._end_turn(key)
        if key not in self._waiting:
            self.add(key, Priority.CHANGE, delay=pause)
        return pause

    def _end_turn(self, key: WorkKey) -> None:
        self.last_turn = self._clock()
        self._active.discard(key)
        if key in self._first_pass:
            self._first_pass.discard(key)
            if not self._first_pass:
                log.info("Ready: the first full reconcile is done.")
        self._due_again.discard(key)
        self._add_again(key)

    def _add_again(self, key: WorkKey) -> None:
        """Adds what was requested of a key during its turn."""
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
