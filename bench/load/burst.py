"""Many labelled Namespaces at once, with or without an operator that follows the labels.

The same watch sees the policies of both, so that they differ only in who writes the policies.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from bench.load.api import (
    NAMESPACES,
    POLICIES,
    Access,
    Client,
    LoadError,
    connect,
    in_time,
    namespace_body,
    namespace_of,
    policies_of,
    side_by_side,
    watching,
)
from bench.load.labels import PROFILE, namespace_names
from bench.load.written import Written, profile_of

CLIENTS = 32
_TIMEOUT_SECONDS = 600.0  # an operator that allows itself few requests a second takes minutes


@dataclass(frozen=True, slots=True)
class Burst:
    """What one burst came to, in seconds.

    Attributes:
        began: the moment of sending the first create, in the machine's monotonic time.
        seconds: from then until the last policy was seen stored.
        delays: for each namespace, from its acknowledgement until its policy was seen.
        cpu: that the generator itself used.
    """

    began: float
    seconds: float
    delays: tuple[float, ...]
    cpu: float


async def create_namespaces(access: Access, count: int, written: Written | None = None) -> Burst:
    """Creates Namespaces with a profile label, and waits until each has a policy.

    Args:
        access: to the control plane.
        count: how many Namespaces.
        written: if given, no operator runs, and each client writes the policy of its Namespace
            right after the Namespace.

    Raises:
        LoadError: not every Namespace had a policy in time.
    """
    names = namespace_names(count)
    bodies = [namespace_body(name, {PROFILE: profile_of(n)}) for n, name in enumerate(names)]
    policies = [written.profile(n, name) for n, name in enumerate(names)] if written else []
    acknowledged: dict[str, float] = {}
    async with connect(access, CLIENTS) as client:

        async def create(numbered: tuple[int, str]) -> None:
            number, name = numbered
            await client.send("POST", NAMESPACES, bodies[number])
            acknowledged[name] = time.monotonic()
            if policies:
                await client.send("POST", policies_of(name), policies[number])

        version = await client.version(POLICIES)
        async with watching(_first_policies(client, version, set(names))) as watch:
            cpu, began = time.process_time(), time.monotonic()
            await side_by_side(enumerate(names), create, CLIENTS)
            seen = await in_time(watch, _TIMEOUT_SECONDS, "not every namespace had a policy")
            cpu = time.process_time() - cpu
    return Burst(
        began=began,
        seconds=max(seen.values()) - began,
        delays=tuple(seen[name] - acknowledged[name] for name in names),
        cpu=cpu,
    )


async def _first_policies(client: Client, version: str, missing: set[str]) -> dict[str, float]:
    """When the first policy of each namespace was seen."""
    seen: dict[str, float] = {}
    async for arrived, event in client.watch(POLICIES, version):
        name = namespace_of(event)
        if name in missing:
            missing.remove(name)
            seen[name] = arrived
            if not missing:
                return seen
    raise LoadError("the watch ended")
