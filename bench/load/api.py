"""Requests and watches as bare as they can be: bytes in, bytes out, connections kept open."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import yaml

NAMESPACES = "/api/v1/namespaces"
_CNPS = "ciliumnetworkpolicies"
_CILIUM = "/apis/cilium.io/v2"
POLICIES = f"{_CILIUM}/{_CNPS}"
BASELINES = f"{_CILIUM}/ciliumclusterwidenetworkpolicies"
MANAGED = "app.kubernetes.io/managed-by=homelab-netpol"

_VERSION = re.compile(rb'"resourceVersion":"(\d+)"')
_NAMESPACE = re.compile(rb'"namespace":"([^"]+)"')
_OPENING_SECONDS = 0.3

Item = TypeVar("Item")


class LoadError(Exception):
    """The API server refused a request, or a policy was not seen in time; the round is void."""


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach the control plane; can be sent to another process."""

    server: str
    token: str
    certificates: str

    @classmethod
    def read(cls, kubeconfig: Path) -> Access:
        """Reads a kubeconfig of one cluster and one user with a token."""
        document = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
        cluster = document["clusters"][0]["cluster"]
        return cls(
            server=cluster["server"],
            token=document["users"][0]["user"]["token"],
            certificates=base64.b64decode(cluster["certificate-authority-data"]).decode(),
        )


class Client:
    """Some connections to the API server. Make it with `connect`."""

    def __init__(self, session: aiohttp.ClientSession, server: str) -> None:
        self._session = session
        self._server = server

    async def send(
        self, method: str, path: str, body: bytes | None = None, content: str = "application/json"
    ) -> bytes:
        """Sends a request, and reads the whole answer.

        Raises:
            LoadError: the answer is not 2xx.
        """
        headers = {"Content-Type": content}
        async with self._session.request(
            method, self._server + path, data=body, headers=headers
        ) as answer:
            data = await answer.read()
            if not 200 <= answer.status < 300:
                raise LoadError(f"{method} {path}: {answer.status} {data[:300].decode()}")
            return data

    async def list(self, path: str, selector: str) -> dict[str, Any]:
        """Lists the objects that a label selector finds, parsed."""
        listed: dict[str, Any] = json.loads(
            await self.send("GET", f"{path}?labelSelector={selector}")
        )
        return listed

    async def patch(self, path: str, change: Mapping[str, Any]) -> bytes:
        """Changes an object by a JSON merge patch; raises as `send` does."""
        merge = "application/merge-patch+json"
        return await self.send("PATCH", path, json.dumps(change).encode(), merge)

    async def version(self, path: str) -> str:
        """The version of what is there now: a watch since then misses nothing that follows."""
        listed = json.loads(await self.send("GET", f"{path}?limit=1"))
        version: str = listed["metadata"]["resourceVersion"]
        return version

    async def watch(
        self, path: str, since: str, selector: str = MANAGED
    ) -> AsyncIterator[tuple[float, bytes]]:
        """Watches policies: yields each event as one line, and when it arrived.

        A server ends a watch now and then (of a custom resource, whenever its definition was
        touched); it is taken up again where it ended.

        Args:
            path: of what; by default only what is managed is shown.
            since: the version after which events are shown.
            selector: the labels that it must carry.

        Raises:
            LoadError: the watch failed for good.
        """
        while True:
            query = f"watch=1&resourceVersion={since}&labelSelector={selector}"
            url, rest = f"{self._server}{path}?{query}", b""
            async with self._session.get(url, timeout=aiohttp.ClientTimeout(total=None)) as answer:
                if answer.status != 200:
                    raise LoadError(f"the watch of the policies failed: {answer.status}")
                async for chunk in answer.content.iter_any():
                    arrived = time.monotonic()
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in lines:
                        version = _VERSION.search(line)
                        if version is None or line.startswith(b'{"type":"ERROR"'):
                            raise LoadError(f"the watch of the policies failed: {line!r}")
                        since = version[1].decode()
                        yield arrived, line


@asynccontextmanager
async def connect(access: Access, connections: int) -> AsyncIterator[Client]:
    """Opens connections, so that no handshake falls into what is measured.

    Args:
        access: where to.
        connections: how many requests may be under way at once, watches not counted.
    """
    tls = ssl.create_default_context(cadata=access.certificates)
    connector = aiohttp.TCPConnector(limit=0, ssl=tls, keepalive_timeout=300)
    headers = {"Authorization": f"Bearer {access.token}", "Accept": "application/json"}
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        client = Client(session, access.server)
        await asyncio.gather(*(client.send("GET", "/version") for _ in range(connections + 1)))
        yield client


async def side_by_side(
    items: Iterable[Item], work: Callable[[Item], Awaitable[None]], clients: int
) -> None:
    """Works on all items, so many at a time; the first failure ends it."""
    left = iter(items)

    async def one_client() -> None:
        for item in left:
            await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(clients):
                group.create_task(one_client())
    except* LoadError as errors:
        failed = errors.exceptions[0]
    else:
        return
    raise failed


@asynccontextmanager
async def watching(watch: Coroutine[Any, Any, Item]) -> AsyncIterator[asyncio.Task[Item]]:
    """Runs a coroutine that watches beside the block, which begins when the watch is open."""
    task = asyncio.create_task(watch)
    try:
        await asyncio.sleep(_OPENING_SECONDS)
        yield task
    finally:
        task.cancel()


async def in_time(awaited: Awaitable[Item], seconds: float, missing: str) -> Item:
    """Waits for something that an operator must do.

    Args:
        awaited: what to wait for; it is cancelled when the time is up.
        seconds: for how long.
        missing: what is not done by then, for the error.

    Raises:
        LoadError: the time is up.
    """
    try:
        async with asyncio.timeout(seconds):
            return await awaited
    except TimeoutError:
        raise LoadError(f"{missing} after {seconds:g} s") from None


def run_load(work: Callable[..., Coroutine[Any, Any, Item]], *arguments: Any) -> Item:
    """Runs one of the generator's coroutine functions in a process of its own."""
    return asyncio.run(work(*arguments))


def namespace_of(event: bytes) -> str:
    """The namespace of a watch event, without parsing the event, which would cost far more."""
    found = _NAMESPACE.search(event)
    return found[1].decode() if found else ""


def namespace_body(name: str, labels: Mapping[str, str]) -> bytes:
    """The body of a request that creates a Namespace."""
    metadata = {"name": name, "labels": dict(labels)}
    return json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}).encode()


def policies_of(namespace: str) -> str:
    """The API's path of the CiliumNetworkPolicies of a namespace."""
    return f"{_CILIUM}/namespaces/{namespace}/{_CNPS}"
