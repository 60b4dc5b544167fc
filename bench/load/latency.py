"""One change at a time on an idle control plane: how long until its policy is stored.

"Stored" is when a watch of the policies shows it, which is when Cilium's agents learn of it too.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from bench.load.api import (
    NAMESPACES,
    POLICIES,
    Access,
    Client,
    connect,
    in_time,
    namespace_body,
    policies_of,
    watching,
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


class _Seen(NamedTuple):
    """An event of the watch, reduced to what tells policies apart."""

    type: str
    namespace: str
    component: str
    profile: str
    text: bytes


_Fits = Callable[[_Seen, str], bool]


def _own(component: str, event: str = "") -> _Fits:
    """An event of the Namespace's own policy of a component; of any type, or of just one."""
    return lambda seen, name: (
        (seen.namespace, seen.component) == (name, component) and event in ("", seen.type)
    )


CREATED = "namespace created"
BARE = "bare client"
# The labels that are changed, in this order on each Namespace, and the events that each change must
# lead to; a change starts when those of the one before have been seen.
_CHANGES: tuple[tuple[Mapping[str, str | None], Mapping[str, _Fits]], ...] = (
    (
        {PROFILE: "standard"},
        {"profile changed": lambda seen, n: (seen.namespace, seen.profile) == (n, "standard")},
    ),
    (
        GRANTED,
        {
            "grant: the namespace's side": _own("access"),
            "grant: the resource's side": lambda seen, n: (
                (seen.namespace, seen.component) == (TARGET, "grant") and n.encode() in seen.text
            ),
        },
    ),
    (HATCHED, {"hatch opened": _own("hatch", "ADDED")}),
    ({ENFORCEMENT: None}, {"hatch closed": _own("hatch", "DELETED")}),
    ({PROFILE: None}, {"profile removed": _own("profile", "DELETED")}),
)
KINDS = (CREATED, *(kind for _, outcomes in _CHANGES for kind in outcomes))


class _Timer:
    """Times changes, each from its request until the events that it leads to."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._awaited: list[tuple[_Fits, str, asyncio.Future[float]]] = []

    async def watch(self, since: str) -> None:
        """Watches the policies, until cancelled."""
        async for arrived, event in self._client.watch(POLICIES, since):
            seen = _read(event)
            for fits, name, future in self._awaited:
                if not future.done() and fits(seen, name):
                    future.set_result(arrived)
            self._awaited = [each for each in self._awaited if not each[2].done()]

    async def time(
        self,
        name: str,
        outcomes: Mapping[str, _Fits],
        request: tuple[str, str, bytes],
        policy: bytes | None = None,
    ) -> list[Sample]:
        """Sends a request and, as a bare client, a policy right after it; one sample an outcome."""
        await asyncio.sleep(_PAUSE_SECONDS)
        awaited = {kind: self._expect(fits, name) for kind, fits in outcomes.items()}
        method, path, body = request
        content = "application/merge-patch+json" if method == "PATCH" else "application/json"
        sent = time.monotonic()
        await self._client.send(method, path, body, content)
        acknowledged = time.monotonic()
        if policy is not None:
            await self._client.send("POST", policies_of(name), policy)
        samples = []
        for kind, future in awaited.items():
            seen = await in_time(future, _TIMEOUT_SECONDS, f"{kind}, {name}: no event")
            samples.append(Sample(kind, seen - acknowledged, seen - sent))
        return samples

    def _expect(self, fits: _Fits, name: str) -> asyncio.Future[float]:
        future: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._awaited.append((fits, name, future))
        return future


async def change_one_by_one(
    access: Access, count: int, written: Written | None = None
) -> list[Sample]:
    """Creates so many Namespaces one after the other, and makes every kind of change on each.

    Args:
        access: to the control plane.
        count: how many Namespaces.
        written: if given, no operator runs: the Namespaces are only created, without labels, and
            the policy of each right after it, which is the least delay that is possible.

    Raises:
        LoadError: an event did not come in time.
    """
    samples: list[Sample] = []
    async with connect(access, 1) as client:
        timer = _Timer(client)
        async with watching(timer.watch(await client.version(POLICIES))) as watch:
            for number, name in enumerate(namespace_names(count)):
                if written is None:
                    samples += await _all_changes(timer, name)
                    continue
                create = ("POST", NAMESPACES, namespace_body(name, {}))
                policy = written.profile(number, name)
                samples += await timer.time(name, {BARE: _own("profile")}, create, policy)
            if watch.done():
                await watch  # raises why it ended
    return samples


async def _all_changes(timer: _Timer, name: str) -> list[Sample]:
    create = ("POST", NAMESPACES, namespace_body(name, {PROFILE: "internal"}))
    samples = await timer.time(name, {CREATED: _own("profile", "ADDED")}, create)
    for labels, outcomes in _CHANGES:
        patch = json.dumps({"metadata": {"labels": dict(labels)}}).encode()
        samples += await timer.time(name, outcomes, ("PATCH", f"{NAMESPACES}/{name}", patch))
    return samples


def _read(event: bytes) -> _Seen:
    document: dict[str, Any] = json.loads(event)
    metadata = document["object"]["metadata"]
    labels = metadata.get("labels") or {}
    return _Seen(
        type=document["type"],
        namespace=metadata.get("namespace", ""),
        component=labels.get(COMPONENT, ""),
        profile=labels.get(PROFILE, ""),
        text=event,
    )
