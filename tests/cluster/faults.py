"""The ways in which an API server, or what is in front of it, can fail a request."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Collection
from typing import Protocol

from aiohttp import web


class Forward(Protocol):
    """Asks the API server."""

    def __call__(
        self, request: web.Request, *, whole: bool = True
    ) -> Awaitable[web.StreamResponse]:
        """Passes its answer on; not `whole`: half of the first piece of it, and hangs up."""


Manner = Callable[["Fault", web.Request, Forward], Awaitable[web.StreamResponse]]


class Fault:
    """One failure, for some requests, for a while.

    Attributes:
        hits: how many requests it has spoilt.
        over: it no longer applies, and what it holds back is let go.
    """

    def __init__(
        self,
        manner: Manner,
        methods: Collection[str] = (),
        path: str = "",
        times: int | None = None,
    ) -> None:
        """Prepares it.

        Args:
            manner: how to misbehave.
            methods: of the requests to spoil; none given: all.
            path: a part of their path and query.
            times: how many of them; None: all.
        """
        self.hits = 0
        self._over = threading.Event()
        self._manner = manner
        self._methods = methods
        self._path = path
        self._times = times

    def takes(self, request: web.Request) -> bool:
        """The request is one that is to be spoilt."""
        wanted = (not self._methods or request.method in self._methods) and (
            self._path in request.path_qs
        )
        spent = self._times is not None and self.hits >= self._times
        return wanted and not spent and not self._over.is_set()

    def stop(self) -> None:
        """Ends it, from whatever thread."""
        self._over.set()

    async def end(self) -> None:
        """Waits until the fault is over."""
        await asyncio.to_thread(self._over.wait)

    async def spoil(self, request: web.Request, forward: Forward) -> web.StreamResponse:
        """Answers in the API server's stead."""
        self.hits += 1
        return await self._manner(self, request, forward)


def status(code: int, reason: str = "", *, retry_after: int | None = None) -> Manner:
    """Answers with an error, as an API server words it."""

    async def answer(_fault: Fault, _request: web.Request, _: Forward) -> web.StreamResponse:
        body = {
            "apiVersion": "v1",
            "kind": "Status",
            "status": "Failure",
            "code": code,
            "reason": reason,
            "message": f"made up: {code}",
        }
        headers = {"Retry-After": str(retry_after)} if retry_after is not None else {}
        return web.json_response(body, status=code, headers=headers)

    return answer


def page(code: int, text: str) -> Manner:
    """Answers with a page that is no JSON, as a load balancer does."""

    async def answer(_fault: Fault, _request: web.Request, _: Forward) -> web.StreamResponse:
        return web.Response(status=code, text=text, content_type="text/html")

    return answer


async def hang(fault: Fault, request: web.Request, _: Forward) -> web.StreamResponse:
    """Says nothing until the fault is over, then hangs up."""
    await fault.end()
    return await reset(fault, request, _)


async def reset(_fault: Fault, request: web.Request, _: Forward) -> web.StreamResponse:
    """Hangs up without an answer."""
    if request.transport is not None:
        request.transport.abort()
    raise web.HTTPBadGateway


def slow(seconds: float) -> Manner:
    """Answers, but later."""

    async def answer(_fault: Fault, request: web.Request, forward: Forward) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return await forward(request)

    return answer


async def truncate(fault: Fault, request: web.Request, forward: Forward) -> web.StreamResponse:
    """Hangs up in the middle of an answer, or of the first line that a watch sends."""
    return await forward(request, whole=False)


async def expire(_fault: Fault, request: web.Request, _: Forward) -> web.StreamResponse:
    """Opens a watch, and sends the event that its resourceVersion is too old."""
    error: dict[str, object] = {"kind": "Status", "apiVersion": "v1", "status": "Failure"}
    error |= {"message": "too old resource version", "reason": "Expired", "code": 410}
    stream = web.StreamResponse(headers={"Content-Type": "application/json"})
    await stream.prepare(request)
    await stream.write(json.dumps({"type": "ERROR", "object": error}).encode() + b"\n")
    return stream


async def carry_out_then_reset(
    fault: Fault, request: web.Request, forward: Forward
) -> web.StreamResponse:
    """The API server does it, and the answer is lost."""
    await forward(request)
    return await reset(fault, request, forward)


async def hold_answer(fault: Fault, request: web.Request, forward: Forward) -> web.StreamResponse:
    """The API server does it, and the answer comes when the fault is over."""
    answer = await forward(request)
    await fault.end()
    return answer


async def silence(fault: Fault, request: web.Request, _: Forward) -> web.StreamResponse:
    """Opens the stream of a watch that never brings anything."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    await fault.end()
    return response
