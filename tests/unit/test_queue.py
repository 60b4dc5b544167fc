"""The work queue: one turn a key, never two at once, urgent first, failures later and later."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homelab_netpol.policy.keys import Scope, WorkKey
from homelab_netpol.reconcile.backoff import Backoff
from homelab_netpol.reconcile.queue import WorkQueue
from homelab_netpol.reconcile.requests import Priority

A, B, C = (WorkKey(Scope.NAMESPACE, name) for name in "abc")


def in_loop(test: Callable[[], Awaitable[Any]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(10):
            await test()

    asyncio.run(bounded())


def test_a_key_added_many_times_has_one_turn() -> None:
    async def check() -> None:
        queue = WorkQueue()
        for _ in range(5):
            queue.add(A, Priority.CHANGE)
        assert (await queue.get()).key == A
        queue.done(A)
        assert queue.idle

    in_loop(check)


def test_the_hatch_goes_before_everything_that_waits() -> None:
    async def check() -> None:
        queue = WorkQueue()
        queue.add(A, Priority.RESYNC)
        queue.add(B, Priority.CHANGE)
        queue.add(A, Priority.HATCH)
        queue.add(C, Priority.TARGET)
        assert [(await queue.get()).key for _ in range(3)] == [A, B, C]

    in_loop(check)


def test_a_key_is_not_lost_when_whoever_was_woken_for_it_is_cancelled() -> None:
    async def check() -> None:
        queue = WorkQueue()
        first, second = asyncio.create_task(queue.get()), asyncio.create_task(queue.get())
        await asyncio.sleep(0)
        queue.add(A, Priority.CHANGE)
        first.cancel()
        assert (await second).key == A

    in_loop(check)


def test_a_key_asked_for_while_it_is_worked_on_comes_again_and_not_at_the_same_time() -> None:
    async def check() -> None:
        queue = WorkQueue()
        queue.add(A, Priority.CHANGE)
        await queue.get()
        queue.add(A, Priority.HATCH)
        queue.add(B, Priority.CHANGE)
        assert (await queue.get()).key == B
        assert not queue.idle
        queue.done(A)
        assert (await queue.get()).key == A

    in_loop(check)


def test_failures_come_back_later_each_time_and_success_forgets_them() -> None:
    async def check() -> None:
        queue = WorkQueue(backoff=Backoff(lambda: 0.5))
        queue.add(A, Priority.CHANGE)
        pauses = []
        for attempt in range(3):
            work = await queue.get()
            assert queue.failures.get(work.key, 0) == attempt
            pauses.append(queue.retry(A))
        assert pauses == [0.05, 0.1, 0.2]
        await queue.get()
        queue.done(A)
        queue.add(A, Priority.CHANGE)
        assert (await queue.get()).key not in queue.failures

    in_loop(check)


def test_what_is_coalesced_waits_also_when_it_is_asked_for_while_it_is_worked_on() -> None:
    async def check() -> None:
        queue = WorkQueue()
        queue.add(A, Priority.TARGET)
        await queue.get()
        for _ in range(5):
            queue.coalesce(A, Priority.TARGET, 0.05)
        queue.done(A)
        assert len(queue) == 0
        assert queue.is_pending(A), "its turn is sure to come, and soon"
        queue.add(B, Priority.RESYNC)
        assert [(await queue.get()).key for _ in range(2)] == [B, A]

    in_loop(check)


def test_what_waits_because_it_failed_comes_sooner_for_something_new() -> None:
    async def check() -> None:
        queue = WorkQueue()
        queue.add(A, Priority.TARGET)
        await queue.get()
        queue.retry(A, at_least=60.0)
        assert not queue.is_pending(A), "who waited for it might wait for long"
        queue.coalesce(A, Priority.TARGET, 0.05)
        assert queue.is_pending(A)
        assert (await queue.get()).key == A

    in_loop(check)


def test_changes_of_what_keeps_failing_do_not_make_it_wait_longer() -> None:
    async def check() -> None:
        queue = WorkQueue(backoff=Backoff(lambda: 0.5))
        for _ in range(50):
            queue.add(A, Priority.CHANGE)
            await queue.get()
            assert queue.retry(A) == 0.05

    in_loop(check)


def test_the_pause_is_bounded_and_obeys_the_server() -> None:
    async def check() -> None:
        queue = WorkQueue(backoff=Backoff(lambda: 0.5, (0.001, 0.004)))
        queue.add(A, Priority.CHANGE)
        for pause in (0.001, 0.002, 0.004, 0.004):
            await queue.get()
            assert queue.retry(A) == pause
        queue.add(B, Priority.CHANGE)
        await queue.get()
        assert queue.retry(B, at_least=7.0) == 7.0

    in_loop(check)


def test_news_does_not_wait_for_the_pause_of_a_failure() -> None:
    async def check() -> None:
        queue = WorkQueue()
        queue.add(A, Priority.CHANGE)
        await queue.get()
        queue.retry(A, at_least=3600.0)
        queue.add(A, Priority.CHANGE)
        assert (await queue.get()).key == A

    in_loop(check)


@pytest.mark.parametrize("workers", [1, 3])
@settings(max_examples=60)
@given(
    data=st.lists(
        st.tuples(st.sampled_from([A, B, C]), st.sampled_from(Priority), st.booleans()), max_size=30
    )
)
def test_every_request_is_followed_by_a_turn_that_begins_after_it(
    workers: int, data: list[tuple[WorkKey, Priority, bool]]
) -> None:
    """However adding and working interleave: no request is lost, no key has two turns at once."""

    async def check() -> None:
        queue = WorkQueue(backoff=Backoff(lambda: 0.0))
        asked: dict[WorkKey, int] = {}
        served: dict[WorkKey, int] = {}
        active: set[WorkKey] = set()

        async def work() -> None:
            while True:
                key = (await queue.get()).key
                assert key not in active
                active.add(key)
                served[key] = asked[key]
                await asyncio.sleep(0)
                active.discard(key)
                queue.done(key)

        tasks = [asyncio.create_task(work()) for _ in range(workers)]
        for moment, (key, priority, pause) in enumerate(data):
            asked[key] = moment
            queue.add(key, priority)
            if pause:
                await asyncio.sleep(0)
        while not queue.idle:  # noqa: ASYNC110 - the queue has no event for it, and needs none
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(result, asyncio.CancelledError) for result in results)
        assert served == asked

    in_loop(check)


def test_a_snapshot_lists_who_is_worked_on_then_who_waits_by_turn_then_who_is_delayed() -> None:
    async def check() -> None:
        now = 100.0
        queue = WorkQueue(clock=lambda: now, backoff=Backoff(lambda: 0.5))
        queue.add(A, Priority.CHANGE)
        await queue.get()
        queue.add(B, Priority.RESYNC)
        queue.add(C, Priority.HATCH)
        queue.add(WorkKey(Scope.TARGET, "postgres"), Priority.TARGET, delay=5)
        now = 102.5
        shown = queue.snapshot()
        *rows, delayed = shown.pop("keys")
        assert shown == {"active": 1, "waiting": 2, "delayed": 1}
        about = {"scope": "namespace", "failures": 0}
        waiting = {**about, "state": "waiting", "waitedSeconds": 2.5}
        assert rows == [
            {**about, "state": "active", "name": "a"},
            {**waiting, "name": "c", "priority": "hatch"},
            {**waiting, "name": "b", "priority": "resync"},
        ]
        assert 0 < delayed.pop("dueInSeconds") <= 5
        assert delayed == {
            "state": "delayed",
            "scope": "target",
            "name": "postgres",
            "priority": "target",
            "failures": 0,
        }

    in_loop(check)


def test_a_snapshot_counts_the_failures_of_what_comes_again() -> None:
    async def check() -> None:
        queue = WorkQueue()
        queue.add(A, Priority.CHANGE)
        for _ in range(3):
            await queue.get()
            queue.retry(A)
            queue.add(A, Priority.CHANGE)
        (row,) = queue.snapshot()["keys"]
        assert (row["state"], row["failures"]) == ("waiting", 3)

    in_loop(check)


def test_a_snapshot_of_a_long_queue_counts_all_lists_the_first_and_takes_nothing_away() -> None:
    async def check() -> None:
        queue = WorkQueue()
        queue.add(A, Priority.CHANGE)
        await queue.get()
        for number in range(5_000):
            queue.add(WorkKey(Scope.NAMESPACE, f"n{number}"), Priority.CHANGE)
        shown = queue.snapshot()
        assert (shown["active"], shown["waiting"]) == (1, 5_000)
        names = [row["name"] for row in shown["keys"]]
        assert names == ["a", *(f"n{number}" for number in range(999))]
        assert len(queue) == 5_000
        assert (await queue.get()).key.name == "n0"

    in_loop(check)


def test_work_that_is_put_back_waits_as_before_and_has_not_failed() -> None:
    """As when this replica no longer leads by the time that the key's turn comes."""

    async def check() -> None:
        queue = WorkQueue()
        queue.add(A, Priority.HATCH)
        queue.add(B, Priority.CHANGE)
        work = await queue.get()
        queue.put_back(work)
        assert queue.failures == {}
        assert await queue.get() == work, "as urgent, and requested as long ago"

    in_loop(check)


def test_the_first_pass_is_over_when_each_key_of_it_had_a_turn_whether_or_not_it_went_well() -> (
    None
):
    async def check() -> None:
        queue = WorkQueue()
        queue.start({A: Priority.RESYNC, B: Priority.RESYNC})
        first, second = await queue.get(), await queue.get()
        queue.done(first.key)
        assert not queue.first_pass_done
        queue.put_back(second)
        assert not queue.first_pass_done, "that was no turn"
        queue.retry((await queue.get()).key)
        assert queue.first_pass_done

    in_loop(check)
