"""Reads what `doctor` looks at: objects, rights, pages and clocks. Nothing is ever written."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from homelab_netpol.cluster.client import Api
from homelab_netpol.cluster.errors import ApiError, NotFound, Unavailable, refusal
from homelab_netpol.cluster.rights import Right, missing_rights

Object = Mapping[str, Any]

_PAGE_BYTES = 64 * 1024
_PAGE_SECONDS = 5.0
# The last of each replica's log, as the API server cuts it.
_LOG = {"tailLines": "500", "limitBytes": str(512 * 1024)}
_LOG_BYTES = 512 * 1024
_MOST_PODS = 5


@dataclass(frozen=True, slots=True)
class Listed:
    """Objects of one kind.

    Attributes:
        items: as the API server gives them.
        refused: why they cannot be read: a missing right, or a server that fails; "": they can.
        absent: there is no such kind or object.
    """

    items: Sequence[Object] = ()
    refused: str = ""
    absent: bool = False

    @property
    def first(self) -> Object | None:
        """The only one, where one was asked for."""
        return self.items[0] if self.items else None


@dataclass(frozen=True, slots=True)
class Page:
    """What a pod answered by way of the API server.

    Attributes:
        status: HTTP status; 0: there was no answer.
        text: the page, or why there is none.
    """

    status: int
    text: str


@dataclass(frozen=True, slots=True)
class Clocks:
    """The time on both sides of one request.

    Attributes:
        before: here, when it was sent.
        server: in the answer's `Date`, to the second.
        after: here, when the answer was there.
    """

    before: datetime
    server: datetime
    after: datetime

    @property
    def ahead_seconds(self) -> float:
        """By how much the clock here is ahead for certain; negative: behind; 0: nothing is."""
        if (ahead := (self.before - self.server).total_seconds() - 1) > 0:
            return ahead
        return min(0.0, (self.after - self.server).total_seconds())


@dataclass(slots=True)
class Facts:
    """What was read of a cluster.

    Attributes:
        server: the API server's address.
        version: what /version says.
        lists: objects by kind, or by what they are to the operator.
        clocks: None: the API server sends no `Date`.
        own_missing: what the account that asks may not do of what `doctor` reads; None: unknown.
        operator_missing: likewise of the operator's account and rights.
        pages: /readyz of each of the operator's pods, by name; None: it may not be asked for.
        logs: the end of each pod's log, by name.
    """

    server: str = ""
    version: Object = field(default_factory=dict)
    lists: dict[str, Listed] = field(default_factory=dict)
    clocks: Clocks | None = None
    own_missing: Sequence[Right] | None = None
    operator_missing: Sequence[Right] | None = None
    pages: dict[str, Page | None] = field(default_factory=dict)
    logs: dict[str, Page] = field(default_factory=dict)

    def of(self, kind: str) -> Listed:
        """Objects of a kind; absent, if they were not asked for."""
        return self.lists.get(kind, _NOTHING)


_NOTHING = Listed(absent=True)


async def read_list(
    api: Api,
    *paths: str,
    selector: str | None = None,
    fields: str | None = None,
    metadata_only: bool = False,
) -> Listed:
    """Lists a collection; of several paths the first that is served counts."""
    for path in paths:
        found: list[Object] = []
        try:
            async for items, _ in api.pages(
                path, label_selector=selector, field_selector=fields, metadata_only=metadata_only
            ):
                found += items
        except NotFound:
            continue
        except ApiError as error:
            return Listed(refused=refusal(error))
        return Listed(found)
    return Listed(absent=True)


async def read_one(api: Api, path: str) -> Listed:
    """Reads one object."""
    try:
        return Listed([await api.request("GET", path)])
    except NotFound:
        return Listed(absent=True)
    except ApiError as error:
        return Listed(refused=refusal(error))


async def read_many(api: Api, collection: str, names: Sequence[str]) -> Listed:
    """Reads objects by name; what is not there is left out, and one refusal is that of all."""
    found = await asyncio.gather(*(read_one(api, f"{collection}/{name}") for name in names))
    refused = next((each.refused for each in found if each.refused), "")
    return Listed([item for each in found for item in each.items], refused)


async def read_clocks(api: Api) -> tuple[Object, Clocks | None]:
    """The API server's version, and both clocks around the request for it.

    Raises:
        ApiError: the API server did not answer.
    """
    version = await api.request("GET", "/version")
    before = datetime.now(UTC)
    _, headers, _ = await api.plain("/version", most=_PAGE_BYTES)
    after = datetime.now(UTC)
    try:
        server = parsedate_to_datetime(headers.get("Date", "")).astimezone(UTC)
    except (TypeError, ValueError):
        return version, None
    return version, Clocks(before, server, after)


async def read_rights(
    facts: Facts, api: Api, own: Sequence[Right], of_operator: Sequence[Right], account: str
) -> None:
    """Asks what is missing of both accounts' rights."""
    facts.own_missing = await missing_rights(api, own)
    facts.operator_missing = await missing_rights(api, of_operator, account)


async def read_pages(facts: Facts, api: Api, pods: Sequence[Object], port: int) -> None:
    """Asks the operator's pods, by way of the API server, whether they are ready."""

    async def ask(pod: Object) -> None:
        path, name = _pod_path(pod)
        try:
            async with asyncio.timeout(_PAGE_SECONDS):
                page = await _page(api, f"{path}:{port}/proxy/readyz", None, _PAGE_BYTES)
        except TimeoutError:
            # The operator's own policy need not let the API server in.
            page = Page(0, f"no answer within {_PAGE_SECONDS:g} s")
        facts.pages[name] = None if page.status == 403 else page

    await asyncio.gather(*map(ask, pods[:_MOST_PODS]))


async def read_logs(facts: Facts, api: Api, pods: Sequence[Object]) -> None:
    """Reads the end of the log of each of the operator's pods."""
    for pod in pods[:_MOST_PODS]:
        path, name = _pod_path(pod)
        facts.logs[name] = await _page(api, f"{path}/log", _LOG, _LOG_BYTES)


async def _page(api: Api, path: str, query: Mapping[str, str] | None, most: int) -> Page:
    try:
        status, _, body = await api.plain(path, query, most=most)
    except Unavailable as error:
        return Page(0, str(error))
    return Page(status, body.decode("utf-8", "replace"))


def _pod_path(pod: Object) -> tuple[str, str]:
    metadata = pod["metadata"]
    name = str(metadata["name"])
    return f"/api/v1/namespaces/{quote(str(metadata['namespace']))}/pods/{quote(name)}", name
