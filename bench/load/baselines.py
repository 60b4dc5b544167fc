"""A baseline that somebody edits by hand, and one that another setting changes."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from bench.load.api import BASELINES, Access, Client, LoadError, connect

EDITED = "baseline-dns-egress"
CHANGED = "baseline-prometheus-scrape"
_PAUSE_SECONDS = 0.15
_TIMEOUT_SECONDS = 60.0


class PutBack(NamedTuple):
    """One edit, in seconds from the API server's answer, and from sending, until it was undone."""

    acknowledged: float
    sent: float


def edit_by_hand(access: Access, count: int) -> list[PutBack]:
    """Changes the port of the DNS baseline so often, and waits each time until it is back.

    Raises:
        LoadError: it was not put back in time.
    """
    return asyncio.run(_edit(access, count))


def baseline_version(access: Access) -> str:
    """The version after which a change of a baseline is still to come."""
    return asyncio.run(_version(access))


def await_change(access: Access, version: str, sign: str) -> float:
    """When a watch showed the scrape baseline with this text in it, in monotonic time.

    Raises:
        LoadError: it was not changed in time.
    """
    return asyncio.run(_await_change(access, version, sign.encode()))


async def _edit(access: Access, count: int) -> list[PutBack]:
    found = []
    async with connect(access, 1) as client:
        path = f"{BASELINES}/{EDITED}"
        rules = _rules(json.loads(await client.send("GET", path)))
        edit = json.loads(json.dumps(rules).replace('"53"', '"5353"'))
        if edit == rules:
            raise LoadError(f"{EDITED} does not open port 53: {rules}")
        for _ in range(count):
            await asyncio.sleep(_PAUSE_SECONDS)
            version = await client.version(BASELINES)
            watch = asyncio.create_task(_put_back(client, version, rules))
            await asyncio.sleep(_PAUSE_SECONDS)  # the watch is open by then
            sent = time.monotonic()
            await client.patch(path, edit)
            acknowledged = time.monotonic()
            try:
                arrived = await asyncio.wait_for(watch, _TIMEOUT_SECONDS)
            except TimeoutError:
                raise LoadError(f"{EDITED} was not put back in {_TIMEOUT_SECONDS:g} s") from None
            found.append(PutBack(arrived - acknowledged, arrived - sent))
    return found


async def _put_back(client: Client, version: str, rules: Mapping[str, Any]) -> float:
    edited = False
    async for arrived, line in client.watch(BASELINES, version):
        shown = json.loads(line)["object"]
        if shown["metadata"]["name"] != EDITED:
            continue
        right = _rules(shown) == rules
        if right and edited:
            return arrived
        edited = edited or not right
    raise LoadError("the watch ended")


def _rules(policy: Mapping[str, Any]) -> dict[str, Any]:
    return {key: policy[key] for key in ("spec", "specs") if key in policy}


async def _version(access: Access) -> str:
    async with connect(access, 1) as client:
        return await client.version(BASELINES)


async def _await_change(access: Access, version: str, sign: bytes) -> float:
    name = f'"name":"{CHANGED}"'.encode()

    async def watch(client: Client) -> float:
        async for arrived, line in client.watch(BASELINES, version):
            if name in line and sign in line:
                return arrived
        raise LoadError("the watch ended")

    async with connect(access, 1) as client:
        try:
            return await asyncio.wait_for(watch(client), _TIMEOUT_SECONDS)
        except TimeoutError:
            raise LoadError(f"{CHANGED} was not changed in {_TIMEOUT_SECONDS:g} s") from None
