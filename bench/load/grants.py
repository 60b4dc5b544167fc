"""One grant on many Namespaces, one after the other, with or without an operator."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

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
    side_by_side,
    watching,
)
from bench.load.labels import COMPONENT, GRANTED, TARGET, namespace_names
from bench.load.written import GRANT_NAME, Written

_WRITERS = 16
_TIMEOUT_SECONDS = 600.0
_SIDES = f"{MANAGED},{COMPONENT} in (access,grant)"


@dataclass(frozen=True, slots=True)
class Grants:
    """How long the grants took, in seconds.

    Attributes:
        seconds: from sending the first label until both sides of every grant were seen.
        consumers: for each Namespace, from its acknowledgement until its own side was seen.
        targets: the same until the list beside the resource named it.
        list_writes: how often that list was written.
        cpu: that the generator itself used.
    """

    seconds: float
    consumers: tuple[float, ...]
    targets: tuple[float, ...]
    list_writes: int
    cpu: float


@dataclass(slots=True)
class _Sides:
    """Both sides of the grants, as far as the watch has seen them."""

    names: Sequence[str]
    consumers: dict[str, float] = field(default_factory=dict)
    targets: dict[str, float] = field(default_factory=dict)
    list_writes: int = 0

    async def watch(self, client: Client, version: str) -> None:
        """Watches until both sides of every grant have been seen."""
        left = set(self.names)
        async for arrived, event in client.watch(POLICIES, version, _SIDES):
            name = namespace_of(event)
            if name == TARGET:
                self._see_list(arrived, event)
            elif name in left:
                left.remove(name)
                self.consumers[name] = arrived
            if not left and len(self.targets) == len(self.names):
                return
        raise LoadError("the watch ended")

    def _see_list(self, arrived: float, event: bytes) -> None:
        if GRANT_NAME.encode() not in event:
            return
        self.list_writes += 1
        # They are labelled in this order. To look for all of them each time would cost more than
        # everything else that happens here.
        for name in self.names[len(self.targets) :]:
            if f'"{name}"'.encode() not in event:
                return
            self.targets[name] = arrived


async def grant_in_turn(access: Access, count: int, written: Written | None = None) -> Grants:
    """Labels each Namespace when the one before was acknowledged, and waits for both sides of all.

    Args:
        access: to the control plane.
        count: how many of the Namespaces there are.
        written: if given, no operator runs: 16 clients beside the one that labels write the
            policies, and the list beside the resource once, at the end.

    Raises:
        LoadError: not everything was written in time.
    """
    names = namespace_names(count)
    sides = _Sides(names)
    acknowledged: dict[str, float] = {}
    async with connect(access, 1 + _WRITERS) as client:
        version = await client.version(POLICIES)
        async with watching(sides.watch(client, version)) as watch:
            todo: asyncio.Queue[str] = asyncio.Queue()
            writing = asyncio.create_task(_write(client, names, written, todo)) if written else None
            cpu, began = time.process_time(), time.monotonic()
            for name in names:
                await client.patch(f"{NAMESPACES}/{name}", {"metadata": {"labels": GRANTED}})
                acknowledged[name] = time.monotonic()
                todo.put_nowait(name)
            if writing:
                await writing
            await in_time(watch, _TIMEOUT_SECONDS, "not every grant had both sides")
            cpu = time.process_time() - cpu
    last = max(*sides.consumers.values(), *sides.targets.values())
    return Grants(
        seconds=last - began,
        consumers=tuple(sides.consumers[name] - acknowledged[name] for name in names),
        targets=tuple(sides.targets[name] - acknowledged[name] for name in names),
        list_writes=sides.list_writes,
        cpu=cpu,
    )


async def _write(
    client: Client, names: Sequence[str], written: Written, todo: asyncio.Queue[str]
) -> None:
    """Writes what an operator would: a side for each label as it comes, and the list at the end."""

    async def write(_: str) -> None:
        name = await todo.get()
        await client.send("POST", policies_of(name), written.access_of(name))

    await side_by_side(names, write, _WRITERS)
    await client.send("POST", policies_of(TARGET), written.grant_to(names))
