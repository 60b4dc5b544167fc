"""A wait that is cancelled while it is woken ends: else the process would never end.

Python 3.11's `asyncio.wait_for` takes such a cancellation for none. It happens when a process
that was stopped goes on: all that was due meanwhile is due at once.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from homelab_netpol.cache.deadlines import Deadlines

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("turns", range(4))
def test_who_waits_for_deadlines_ends_when_one_moves_as_it_is_cancelled(turns: int) -> None:
    async def follow(deadlines: Deadlines) -> None:
        while True:
            await deadlines.wait(NOON)

    async def cancelled() -> bool:
        deadlines = Deadlines()
        following = asyncio.create_task(follow(deadlines))
        await asyncio.sleep(0.01)
        deadlines.set("my-app", NOON + timedelta(days=1))
        for _ in range(turns):
            await asyncio.sleep(0)
        following.cancel()
        done, _ = await asyncio.wait({following}, timeout=0.5)
        return bool(done)

    assert asyncio.run(cancelled())
