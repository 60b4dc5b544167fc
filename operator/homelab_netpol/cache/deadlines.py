"""Deadlines: when open hatches close by themselves, and when to look next.

By the wall clock, as a deadline is; it may jump, so no wait is longer than a few seconds.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

# So long before its end the owner is notified.
NOTICE = timedelta(minutes=10)

_LONGEST_WAIT_SECONDS = 5.0


class Deadlines:
    """The deadlines of the hatches that are open."""

    def __init__(self) -> None:
        self._until: dict[str, datetime] = {}
        self._noticed: dict[str, datetime] = {}
        self._moved = asyncio.Event()

    def set(self, namespace: str, until: datetime | None) -> None:
        """Notes when a namespace's hatch closes; None: not by itself, or it is not open."""
        if until is None:
            self._until.pop(namespace, None)
            self._noticed.pop(namespace, None)
        elif self._until.get(namespace) != until:
            self._until[namespace] = until
            self._moved.set()

    def take_due(self, now: datetime) -> tuple[list[str], list[str]]:
        """The namespaces whose time is over, and those whose end is near; each only once."""
        over = [name for name, until in self._until.items() if until <= now]
        for name in over:
            del self._until[name]
        near = [
            name
            for name, until in self._until.items()
            if until - now <= NOTICE and self._noticed.get(name) != until
        ]
        self._noticed.update({name: self._until[name] for name in near})
        return over, near

    async def wait(self, now: datetime) -> None:
        """Waits until something may be due, or a deadline was set."""
        ends = [
            end
            for name, until in self._until.items()
            for end in ((until,) if self._noticed.get(name) == until else (until, _notice(until)))
        ]
        seconds = _LONGEST_WAIT_SECONDS
        if ends:
            seconds = min(seconds, max(0.0, (min(ends) - now).total_seconds()))
        try:
            async with asyncio.timeout(seconds):
                await self._moved.wait()
        except TimeoutError:
            return
        self._moved.clear()


def _notice(until: datetime) -> datetime:
    try:
        return until - NOTICE
    except OverflowError:
        return until
