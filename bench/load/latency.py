"""One change at a time on an idle control plane: how long until its policy is stored.

"Stored" is when a watch of the policies shows it, which is when Cilium's agents learn of it too.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from bench.load.api import (
    NAMESPACES,
    POLICIES,
    Access,
    Client,
    LoadError,
    connect,
    namespace_body,
    policies_of,
)
from bench.load.labels import (
    COMPONENT,
    ENFORCEMENT,
    GRANTED,
    HATCHED,
    PROFILE,
    TARGET,
    namespace_names,
)
from bench.load.written import Written

_PAUSE_SECONDS = 0.1  # for what follows a change (Events, the target lists) to be over
_TIMEOUT_SECONDS = 30.0


class Sample(NamedTuple):
    """One change and what came of it, in seconds.

    Attributes:
        kind: what was changed.
        acknowledged: from the API server's answer to the change until the policy was seen.
        sent: from sending the change until the policy was seen.
    """

    kind: str
    acknowledged: float
    sent: float


class Seen(NamedTuple):
    """An event of the watch, reduced to what tells policies apart."""

    type: str
    namespace: str
    component: str
    profile: str
    text: bytes


@dataclass(frozen=True, slots=True)
class _Change:
    """A change of labels, and the event that each thing it must lead to is known by."""

    labels: Mapping[str, str | None]
    outcomes: Mapping[str, Callable[[Seen, str], bool]]


# In this order on each namespace; each starts where the one before it ended.
_CHANGES = (
    _Change(
        {PROFILE: "standard"},
        {"profile changed": lambda e, n: (e.namespace, e.profile) == (n, "standard")},
    ),
    _Change(
        GRANTED,
        {
            "grant: the namespace's side": lambda e, n: (e.namespace, e.component) == (n, "access"),
            "grant: the resource's side": lambda e, n: (
                (e.namespace, e.component) == (TARGET, "grant") and n.encode() in e.text
            ),
        },
    ),
    _Change(
        HATCHED,
        {"hatch opened": lambda e, n: (e.type, e.namespace, e.component) == ("ADDED", n, "hatch")},
    ),
    _Change(
        {ENFORCEMENT: None},
        {
            "hatch closed": lambda e, n: (
                (e.type, e.namespace, e.component) == ("DELETED", n, "hatch")
            )
        },
    ),
    _Change(
        {PROFILE: None},
        {
            "profile removed": lambda e, n: (
                (e.type, e.namespace, e.component) == ("DELETED", n, "profile")
            )
        },
    ),
)
CREATED = "namespace created"
BARE = "bare client"
KINDS = (CREATED, *(kind for change in _CHANGES for kind in change.outcomes))


class _Watcher:
    """Waits for events of the watch."""

    def __init__(self) -> None:
        self._awaited: list[tuple[Callable[[Seen], bool], asyncio.Future[float]]] = []

    def expect(self, outcome: Callable[[Seen], bool]) -> asyncio.Future[float]:
        """A future of when the first event that fits arrives."""
        future: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._awaited.append((outcome, future))
        return future

    async def run(self, client: Client, since: str) -> None:
        """Watches, until cancelled."""
        async for arrived, line in client.watch(POLICIES, since):
            seen = _read(line)
            for outcome, future in self._awaited:
                if not future.done() and outcome(seen):
                    future.set_result(arrived)
            self._awaited = [pair for pair in self._awaited if not pair[1].done()]


def change_one_by_one(access: Access, count: int) -> list[Sample]:
    """Creates so many Namespaces one after the other, and makes every kind of change on each."""
    return asyncio.run(_run(access, count, None))


def reflex(access: Access, count: int, written: Written) -> list[Sample]:
    """The least that is possible: whoever creates the Namespace writes its policy right after it.

    Args:
        access: where to.
        count: how many Namespaces.
        written: what an operator writes for them.
    """
    return asyncio.run(_run(access, count, written))


async def _run(access: Access, count: int, written: Written | None) -> list[Sample]:
    samples: list[Sample] = []
    async with connect(access, 1) as client:
        watcher = _Watcher()
        watching = asyncio.create_task(watcher.run(client, await client.version(POLICIES)))
        try:
            await asyncio.sleep(0.3)  # the watch is open by then
            for number, name in enumerate(namespace_names(count)):
                if written is None:
                    samples += await _all_changes(client, watcher, name)
                else:
                    policy = written.profile(number, name)
                    samples.append(await _bare(client, watcher, name, policy))
            if watching.done():
                watching.result()  # why it ended
        finally:
            watching.cancel()
    return samples


async def _all_changes(client: Client, watcher: _Watcher, name: str) -> list[Sample]:
    body = namespace_body(name, {PROFILE: "internal"})
    create = {CREATED: lambda e, n: (e.type, e.namespace, e.component) == ("ADDED", n, "profile")}
    samples = await _measure(client, watcher, name, create, ("POST", NAMESPACES, body))
    for change in _CHANGES:
        patch = json.dumps({"metadata": {"labels": dict(change.labels)}}).encode()
        request = ("PATCH", f"{NAMESPACES}/{name}", patch)
        samples += await _measure(client, watcher, name, change.outcomes, request)
    return samples


def _in(name: str, outcome: Callable[[Seen, str], bool]) -> Callable[[Seen], bool]:
    return lambda seen: outcome(seen, name)


async def _measure(
    client: Client,
    watcher: _Watcher,
    name: str,
    outcomes: Mapping[str, Callable[[Seen, str], bool]],
    request: tuple[str, str, bytes],
) -> list[Sample]:
    await asyncio.sleep(_PAUSE_SECONDS)
    awaited = {kind: watcher.expect(_in(name, outcome)) for kind, outcome in outcomes.items()}
    method, path, body = request
    content = "application/merge-patch+json" if method == "PATCH" else "application/json"
    sent = time.monotonic()
    await client.send(method, path, body, content)
    acknowledged = time.monotonic()
    samples = []
    for kind, future in awaited.items():
        try:
            seen = await asyncio.wait_for(future, _TIMEOUT_SECONDS)
        except TimeoutError:
            raise LoadError(f"{kind}, {name}: nothing after {_TIMEOUT_SECONDS:g} s") from None
        samples.append(Sample(kind, seen - acknowledged, seen - sent))
    return samples


async def _bare(client: Client, watcher: _Watcher, name: str, policy: bytes) -> Sample:
    await asyncio.sleep(_PAUSE_SECONDS)
    awaited = watcher.expect(lambda seen: seen.namespace == name)
    sent = time.monotonic()
    await client.send("POST", NAMESPACES, namespace_body(name, {}))
    acknowledged = time.monotonic()
    await client.send("POST", policies_of(name), policy)
    seen = await asyncio.wait_for(awaited, _TIMEOUT_SECONDS)
    return Sample(BARE, seen - acknowledged, seen - sent)


def _read(line: bytes) -> Seen:
    event: dict[str, Any] = json.loads(line)
    metadata = event["object"]["metadata"]
    labels = metadata.get("labels") or {}
    return Seen(
        type=event["type"],
        namespace=metadata.get("namespace", ""),
        component=labels.get(COMPONENT, ""),
        profile=labels.get(PROFILE, ""),
        text=line,
    )
