"""Many labelled Namespaces at once, and the same objects written by a bare client.

Both are seen by the same watch, so that they differ in who writes the policies, and in nothing
else.
"""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import suppress
from dataclasses import dataclass

from bench.load.api import (
    NAMESPACES,
    POLICIES,
    Access,
    Client,
    LoadError,
    connect,
    namespace_body,
    policies_of,
    side_by_side,
)
from bench.load.labels import PROFILE, namespace_names
from bench.load.written import Written, profile_of

CLIENTS = 32
_TIMEOUT_SECONDS = 600.0  # an operator that allows itself few requests a second takes minutes
_NAMESPACE = re.compile(rb'"namespace":"([^"]+)"')


@dataclass(frozen=True, slots=True)
class Burst:
    """What one burst came to, in seconds.

    Attributes:
        began: the moment of sending the first create, in the machine's monotonic time.
        seconds: from then until the last policy was seen stored.
        created: from then until the last Namespace was acknowledged.
        delays: for each namespace, from its acknowledgement until its policy was seen.
        cpu: that the generator itself used.
    """

    began: float
    seconds: float
    created: float
    delays: tuple[float, ...]
    cpu: float


def create_namespaces(access: Access, count: int, written: Written | None = None) -> Burst:
    """Creates Namespaces with a profile label, and waits until each has a policy.

    Args:
        access: where to.
        count: how many Namespaces.
        written: if given, no operator runs, and each client writes the policy of its Namespace
            right after the Namespace.

    Raises:
        LoadError: not every Namespace had a policy in time.
    """
    return asyncio.run(_run(access, count, written))


async def _run(access: Access, count: int, written: Written | None) -> Burst:
    names = namespace_names(count)
    bodies = [namespace_body(name, {PROFILE: profile_of(n)}) for n, name in enumerate(names)]
    policies = [written.profile(n, name) for n, name in enumerate(names)] if written else []
    acknowledged: dict[str, float] = {}
    async with connect(access, CLIENTS) as client:
        watch = asyncio.create_task(_watch(client, await client.version(POLICIES), set(names)))
        await asyncio.sleep(0.3)  # the watch is open by then

        async def create(numbered: tuple[int, str]) -> None:
            number, name = numbered
            await client.send("POST", NAMESPACES, bodies[number])
            acknowledged[name] = time.monotonic()
            if policies:
                await client.send("POST", policies_of(name), policies[number])

        cpu, began = time.process_time(), time.monotonic()
        await side_by_side(enumerate(names), create, CLIENTS)
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(watch), _TIMEOUT_SECONDS)
        cpu = time.process_time() - cpu
        if not watch.done():
            watch.cancel()
            raise LoadError(f"not every namespace had a policy after {_TIMEOUT_SECONDS:g} s")
        seen = watch.result()
    return Burst(
        began=began,
        seconds=max(seen.values()) - began,
        created=max(acknowledged.values()) - began,
        delays=tuple(seen[name] - acknowledged[name] for name in names),
        cpu=cpu,
    )


async def _watch(client: Client, version: str, missing: set[str]) -> dict[str, float]:
    """When the first policy of each namespace was seen."""
    seen: dict[str, float] = {}
    async for arrived, line in client.watch(POLICIES, version):
        # Parsing whole events would cost more than everything else that happens here.
        found = _NAMESPACE.search(line)
        name = found[1].decode() if found else ""
        if name in missing:
            missing.remove(name)
            seen[name] = arrived
            if not missing:
                return seen
    raise LoadError("the watch ended")
