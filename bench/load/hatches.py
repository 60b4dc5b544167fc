"""Hatches opened one after another while something else keeps the API server busy."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from typing import NamedTuple

from bench.load.api import (
    MANAGED,
    NAMESPACES,
    POLICIES,
    Access,
    Client,
    LoadError,
    connect,
    policies_of,
)
from bench.load.labels import COMPONENT, HATCHED
from bench.load.written import Written

EVERY_SECONDS = 0.05
_CONNECTIONS = 16
_TIMEOUT_SECONDS = 120.0
_HATCHES = f"{MANAGED},{COMPONENT}=hatch"
_NAMESPACE = re.compile(rb'"namespace":"([^"]+)"')


class Opened(NamedTuple):
    """One hatch.

    Attributes:
        at: the moment of sending the label, in the machine's monotonic time.
        acknowledged: seconds from the API server's answer until the policy was seen.
        sent: seconds from sending until then.
    """

    at: float
    acknowledged: float
    sent: float


def hatch_names(count: int) -> list[str]:
    """The Namespaces whose hatches will be opened."""
    return [f"hatch-{number:04d}" for number in range(count)]


def open_hatches(access: Access, count: int, written: Written | None = None) -> list[Opened]:
    """Opens the hatches of so many Namespaces, one every 50 ms, whether the last one stands or not.

    Waiting for one before the next is sent would leave out those that had to be sent just when
    everything stood still.

    Args:
        access: where to.
        count: how many of the Namespaces of `hatch_names` there are.
        written: if given, no operator runs, and who labels writes the policy as well.

    Raises:
        LoadError: not every hatch was seen in time.
    """
    return asyncio.run(_run(access, hatch_names(count), written))


async def _run(access: Access, names: Sequence[str], written: Written | None) -> list[Opened]:
    async with connect(access, _CONNECTIONS) as client:
        loop = asyncio.get_running_loop()
        seen: dict[str, asyncio.Future[float]] = {name: loop.create_future() for name in names}
        watch = asyncio.create_task(_watch(client, await client.version(POLICIES), seen))
        await asyncio.sleep(0.3)  # the watch is open by then
        began = time.monotonic()
        try:
            async with asyncio.timeout(len(names) * EVERY_SECONDS + _TIMEOUT_SECONDS):
                opening = []
                for number, name in enumerate(names):
                    await asyncio.sleep(began + number * EVERY_SECONDS - time.monotonic())
                    opening.append(asyncio.create_task(_open(client, name, seen[name], written)))
                return await asyncio.gather(*opening)
        except TimeoutError:
            late = sum(not future.done() for future in seen.values())
            raise LoadError(f"{late} hatches were not open {_TIMEOUT_SECONDS:g} s later") from None
        finally:
            watch.cancel()


async def _open(
    client: Client, name: str, seen: asyncio.Future[float], written: Written | None
) -> Opened:
    at = time.monotonic()
    await client.patch(f"{NAMESPACES}/{name}", {"metadata": {"labels": HATCHED}})
    acknowledged = time.monotonic()
    if written is not None:
        await client.send("POST", policies_of(name), written.hatch_of(name))
    arrived = await seen
    return Opened(at, arrived - acknowledged, arrived - at)


async def _watch(client: Client, version: str, awaited: dict[str, asyncio.Future[float]]) -> None:
    try:
        async for arrived, line in client.watch(POLICIES, version, _HATCHES):
            found = _NAMESPACE.search(line)
            future = awaited.get(found[1].decode()) if found else None
            if future is not None and not future.done():
                future.set_result(arrived)
    except LoadError as error:
        for future in awaited.values():
            if not future.done():
                future.set_exception(error)
