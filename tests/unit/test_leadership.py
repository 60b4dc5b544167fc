"""Leadership: both ways to ask agree at every moment, also when the Lease ran out unnoticed."""

from __future__ import annotations

import asyncio

from homelab_netpol.cluster.lease import Leadership


class Clock:
    """Monotonic time that moves when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def read(self) -> float:
        """The time."""
        return self.now


async def returns(leadership: Leadership) -> bool:
    """Whether `wait` returns without anything else happening."""
    try:
        async with asyncio.timeout(0.02):
            await leadership.wait()
    except TimeoutError:
        return False
    return True


async def agrees(leadership: Leadership, *, leads: bool) -> None:
    """Both ways to ask say the same."""
    assert leadership.is_set() is leads
    assert await returns(leadership) is leads


def test_a_lease_that_ran_out_is_over_for_those_who_ask_and_for_those_who_wait() -> None:
    async def story() -> None:
        clock = Clock()
        leadership = Leadership(clock.read)
        await agrees(leadership, leads=False)
        leadership.renew(clock.now + 10)
        await agrees(leadership, leads=True)
        clock.now += 10  # and no renewal came
        await agrees(leadership, leads=False)
        leadership.renew(clock.now + 10)
        await agrees(leadership, leads=True)

    asyncio.run(story())


def test_a_renewal_wakes_all_who_wait_and_one_that_ran_out_meanwhile_wakes_none() -> None:
    async def story() -> None:
        clock = Clock()
        leadership = Leadership(clock.read)
        waiting = [asyncio.create_task(leadership.wait()) for _ in range(3)]
        await asyncio.sleep(0)
        leadership.renew(clock.now + 10)
        clock.now += 10  # the process stood still before they had their turn
        await asyncio.sleep(0.02)
        assert not any(task.done() for task in waiting)
        leadership.renew(clock.now + 10)
        async with asyncio.timeout(1):
            await asyncio.gather(*waiting)

    asyncio.run(story())


def test_what_was_lost_is_over_at_once() -> None:
    async def story() -> None:
        leadership = Leadership(Clock().read)
        leadership.renew(2000.0)
        leadership.lose()
        await agrees(leadership, leads=False)

    asyncio.run(story())


def test_without_an_election_it_leads_for_ever() -> None:
    asyncio.run(agrees(Leadership.always(), leads=True))
