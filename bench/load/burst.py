"""Many labelled Namespaces at once, and the same objects written by a bare client.

Both are seen by the same watch, so that they differ in who writes the policies, and in nothing
else.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from bench.load.api import (
    MANAGED,
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

CLIENTS = 32
PROFILE_LABEL = "network-policy.homelab/profile"
_PROFILES = ("isolated", "internal", "internal-egress", "standard")
_TIMEOUT_SECONDS = 180.0
_NAMESPACE = re.compile(rb'"namespace":"([^"]+)"')


@dataclass(frozen=True, slots=True)
class Burst:
    """What one burst came to, in seconds.

    Attributes:
        seconds: from sending the first create until the last policy was seen stored.
        created: from sending the first create until the last Namespace was acknowledged.
        delays: for each namespace, from its acknowledgement until its policy was seen.
        cpu: that the generator itself used.
    """

    seconds: float
    created: float
    delays: tuple[float, ...]
    cpu: float


def namespace_names(count: int) -> list[str]:
    """The names of a burst's Namespaces: the same in every round."""
    return [f"bench-{number:05d}" for number in range(count)]


def create_namespaces(access: Access, count: int) -> Burst:
    """Creates Namespaces with a profile label, and waits until each has a policy."""
    return asyncio.run(_run(access, count, None))


def write_bare(access: Access, policies: Mapping[str, bytes]) -> Burst:
    """Does an operator's writes without one: each Namespace, and right after it its policy.

    Args:
        access: where to.
        policies: the body of the policy by the name of its Namespace.
    """
    return asyncio.run(_run(access, len(policies), policies))


def learn_policies(access: Access) -> dict[str, bytes]:
    """The policies that an operator wrote, as bodies that create the same again."""
    return asyncio.run(_learn(access))


async def _learn(access: Access) -> dict[str, bytes]:
    async with connect(access, 1) as client:
        found = await client.list(POLICIES, f"{MANAGED},network-policy.homelab/component=profile")
    bodies = {}
    for item in found["items"]:
        kept = {"name", "namespace", "labels", "annotations"}
        metadata = {key: value for key, value in item["metadata"].items() if key in kept}
        body = {key: item[key] for key in ("spec", "specs") if key in item}
        kind = {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy"}
        bodies[metadata["namespace"]] = json.dumps({**kind, "metadata": metadata, **body}).encode()
    return bodies


async def _run(access: Access, count: int, policies: Mapping[str, bytes] | None) -> Burst:
    names = namespace_names(count)
    bodies = {
        name: namespace_body(name, {PROFILE_LABEL: _PROFILES[number % len(_PROFILES)]})
        for number, name in enumerate(names)
    }
    acknowledged: dict[str, float] = {}
    async with connect(access, CLIENTS) as client:
        watch = asyncio.create_task(_watch(client, set(names)))
        await asyncio.sleep(0.3)  # the watch is open by then

        async def create(name: str) -> None:
            await client.send("POST", NAMESPACES, bodies[name])
            acknowledged[name] = time.monotonic()
            if policies is not None:
                await client.send("POST", policies_of(name), policies[name])

        cpu, started = time.process_time(), time.monotonic()
        await side_by_side(names, create, CLIENTS)
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(watch), _TIMEOUT_SECONDS)
        cpu = time.process_time() - cpu
        if not watch.done():
            watch.cancel()
            raise LoadError(f"not every namespace had a policy after {_TIMEOUT_SECONDS:g} s")
        seen = watch.result()
    return Burst(
        seconds=max(seen.values()) - started,
        created=max(acknowledged.values()) - started,
        delays=tuple(seen[name] - acknowledged[name] for name in names),
        cpu=cpu,
    )


async def _watch(client: Client, missing: set[str]) -> dict[str, float]:
    """When the first policy of each namespace was seen."""
    version = (await client.list(POLICIES, MANAGED))["metadata"]["resourceVersion"]
    seen: dict[str, float] = {}
    async for arrived, line in client.watch_policies(version):
        # Parsing whole events would cost more than everything else that happens here.
        found = _NAMESPACE.search(line)
        name = found[1].decode() if found else ""
        if name in missing:
            missing.remove(name)
            seen[name] = arrived
            if not missing:
                return seen
    raise LoadError("the watch ended")
