"""When the event loop counts as standing still, and the queue as stuck."""

from __future__ import annotations

import asyncio

from homelab_netpol.telemetry.health import Heartbeat, StuckQueue


class Clock:
    """Time that passes when told to."""

    now = 1_000.0

    def read(self) -> float:
        """The time."""
        return self.now


def test_a_loop_counts_as_stopped_only_for_the_time_after_its_next_beat_was_due() -> None:
    async def check() -> None:
        clock = Clock()
        heart = Heartbeat(clock.read)
        beating = asyncio.create_task(heart.beat())
        await asyncio.sleep(0)
        clock.now += 0.9
        assert heart.stopped_seconds == 0
        clock.now += 20.1
        assert heart.stopped_seconds == 20
        beating.cancel()

    asyncio.run(check())


def test_a_beat_that_comes_late_shows_as_lag() -> None:
    async def check() -> None:
        clock = Clock()
        heart = Heartbeat(clock.read)
        clock.now += 3
        beating = asyncio.create_task(heart.beat())
        await asyncio.sleep(0)
        assert heart.lag == 3
        assert heart.stopped_seconds == 0
        beating.cancel()

    asyncio.run(check())


def test_keys_that_wait_while_no_turn_ends_are_a_stuck_queue() -> None:
    clock = Clock()
    queue = StuckQueue(clock.read)
    assert queue.because(3, 990.0) is None
    clock.now += 30
    assert queue.because(3, 990.0) is None
    clock.now += 5
    reason = "the queue is stuck: 4 keys wait, and no turn has ended for 35 s"
    assert queue.because(4, 990.0) == reason


def test_a_long_queue_in_which_turns_end_is_not_stuck() -> None:
    clock = Clock()
    queue = StuckQueue(clock.read)
    for _ in range(10):
        clock.now += 20
        assert queue.because(5_000, clock.now) is None


def test_a_queue_at_rest_for_hours_is_not_stuck_when_the_next_key_comes() -> None:
    clock = Clock()
    queue = StuckQueue(clock.read)
    assert queue.because(0, 990.0) is None
    clock.now += 7_200
    assert queue.because(1, 990.0) is None, "nobody has asked since the key came"
    clock.now += 7_200
    assert queue.because(1, clock.now) is None, "another key, after one that had its turn"


def test_a_queue_that_moves_again_is_no_longer_stuck() -> None:
    clock = Clock()
    queue = StuckQueue(clock.read)
    queue.because(1, 990.0)
    clock.now += 60
    assert queue.because(1, 990.0) is not None
    assert queue.because(1, clock.now) is None
