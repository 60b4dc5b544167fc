"""A change of one NetworkProfile that many Namespaces use, and the same writes by a bare client."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bench.load.api import (
    MANAGED,
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

_PROFILE = "bench"
CLIENTS = 16
_PROFILES = "/apis/network-policy.homelab/v1alpha1/networkprofiles"
_NAME = "homelab-profile"
_TIMEOUT_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class Redefinition:
    """What a change of a profile came to, in seconds.

    Attributes:
        seconds: from sending the change until the last policy was seen with it.
        cpu: that the generator itself used.
    """

    seconds: float
    cpu: float


async def use_profile(access: Access, count: int) -> None:
    """Creates the profile and so many Namespaces that use it, and waits for their policies.

    Raises:
        LoadError: not every Namespace had a policy in time.
    """
    profile = {
        "apiVersion": "network-policy.homelab/v1alpha1",
        "kind": "NetworkProfile",
        "metadata": {"name": _PROFILE},
        "spec": {"egress": [_rule(1)]},
    }
    async with connect(access, CLIENTS) as client:
        await client.send("POST", _PROFILES, json.dumps(profile).encode())

        async def create(name: str) -> None:
            labels = {PROFILE: _PROFILE}
            await client.send("POST", NAMESPACES, namespace_body(name, labels))

        await side_by_side(namespace_names(count), create, CLIENTS)
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while len((await client.list(POLICIES, MANAGED))["items"]) < count:
            if time.monotonic() > deadline:
                raise LoadError(f"not every namespace had a policy after {_TIMEOUT_SECONDS:g} s")
            await asyncio.sleep(0.5)


async def change_profile(access: Access, port: int) -> Redefinition:
    """Changes the profile to open another port, and waits until every policy does."""

    async def change(client: Client) -> None:
        await client.patch(f"{_PROFILES}/{_PROFILE}", {"spec": {"egress": [_rule(port)]}})

    return await _measure(access, port, change)


async def replace_bare(access: Access, port: int) -> Redefinition:
    """Replaces the same policies without an operator."""

    async def change(client: Client) -> None:
        listed = (await client.list(POLICIES, MANAGED))["items"]
        own = [item for item in listed if item["metadata"]["name"] == _NAME]
        bodies = {}
        for item in own:
            egress = item["spec"]["egress"]
            item["spec"]["egress"] = [_rule(port) if "toEntities" in r else r for r in egress]
            bodies[item["metadata"]["namespace"]] = json.dumps(item).encode()

        async def replace(namespace: str) -> None:
            await client.send("PUT", f"{policies_of(namespace)}/{_NAME}", bodies[namespace])

        await side_by_side(bodies, replace, CLIENTS)

    return await _measure(access, port, change)


def _rule(port: int) -> dict[str, object]:
    ports = [{"ports": [{"port": str(port), "protocol": "TCP"}]}]
    return {"toEntities": ["world"], "toPorts": ports}


async def _measure(
    access: Access, port: int, change: Callable[[Client], Awaitable[None]]
) -> Redefinition:
    async with connect(access, CLIENTS) as client:
        listed = await client.list(POLICIES, MANAGED)
        users = {
            item["metadata"]["namespace"]
            for item in listed["items"]
            if item["metadata"]["name"] == _NAME
        }
        version = listed["metadata"]["resourceVersion"]
        async with watching(_last_change(client, version, users, b'"port":"%d"' % port)) as watch:
            cpu, started = time.process_time(), time.monotonic()
            await change(client)
            last = await in_time(watch, _TIMEOUT_SECONDS, "not every policy was changed")
            cpu = time.process_time() - cpu
        return Redefinition(last - started, cpu)


async def _last_change(client: Client, version: str, missing: set[str], sign: bytes) -> float:
    """When the last policy was seen that shows the sign of the change."""
    async for arrived, event in client.watch(POLICIES, version):
        if sign in event:
            missing.discard(namespace_of(event))
            if not missing:
                return arrived
    raise LoadError("the watch ended")
