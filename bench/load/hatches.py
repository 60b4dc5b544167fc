"""Hatches opened one after another while other processes keep the API server busy."""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple

from bench.load.api import (
    MANAGED,
    NAMESPACES,
    POLICIES,
    Access,
    Client,
    LoadError,
    connect,
    in_time,
    namespace_of,
    policies_of,
    watching,
)
from bench.load.labels import COMPONENT, HATCHED
from bench.load.written import Written

EVERY_SECONDS = 0.05
_CONNECTIONS = 16
_TIMEOUT_SECONDS = 120.0
_HATCHES = f"{MANAGED},{COMPONENT}=hatch"


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


async def open_hatches(access: Access, count: int, written: Written | None = None) -> list[Opened]:
    """Opens the hatches of so many Namespaces, one every 50 ms, whether the last one stands or not.

    Waiting for one before the next is sent would leave out those that had to be sent just when
    everything stood still.

    Args:
        access: to the control plane.
        count: how many of the Namespaces of `hatch_names` there are.
        written: if given, no operator runs, and the client that labels writes the policy as well.

    Raises:
        LoadError: not every hatch was seen in time.
    """
    loop = asyncio.get_running_loop()
    seen: dict[str, asyncio.Future[float]] = {
        name: loop.create_future() for name in hatch_names(count)
    }
    async with connect(access, _CONNECTIONS) as client:
        version = await client.version(POLICIES)
        async with watching(_watch(client, version, seen)):
            return await in_time(
                _open_all(client, seen, written),
                count * EVERY_SECONDS + _TIMEOUT_SECONDS,
                "not every hatch was open",
            )


async def _open_all(
    client: Client, seen: dict[str, asyncio.Future[float]], written: Written | None
) -> list[Opened]:
    began, opening = time.monotonic(), []
    for number, (name, future) in enumerate(seen.items()):
        await asyncio.sleep(began + number * EVERY_SECONDS - time.monotonic())
        opening.append(asyncio.create_task(_open(client, name, future, written)))
    return await asyncio.gather(*opening)


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
        async for arrived, event in client.watch(POLICIES, version, _HATCHES):
            future = awaited.get(namespace_of(event))
            if future is not None and not future.done():
                future.set_result(arrived)
    except LoadError as error:
        for future in awaited.values():
            if not future.done():
                future.set_exception(error)
