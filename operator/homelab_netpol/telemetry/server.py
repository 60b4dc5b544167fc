"""The operator's own HTTP endpoints: /metrics for Prometheus, probes for the kubelet.

They answer in a thread and an event loop of their own, so that they can say that the operator's
loop hangs. What the operator knows is read in the operator's loop only.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import Any, Self, TypeVar

from aiohttp import web
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from homelab_netpol.telemetry.health import Heartbeat
from homelab_netpol.telemetry.metrics import Metrics

_ASK_SECONDS = 2.0
# Requests that are under way when the operator ends; none takes longer by itself.
_SHUTDOWN_SECONDS = 1.0

Answer = TypeVar("Answer")


class _NoAnswer(Exception):
    """The operator's loop says nothing."""


class HealthServer:
    """Serves the endpoints for as long as the context lasts, about the loop that entered it.

    Attributes:
        port: that it listens on, once entered.
    """

    def __init__(
        self,
        metrics: Metrics,
        *,
        address: str,
        port: int,
        refresh: Callable[[], None],
        not_ready_because: Callable[[], str | None],
        alive_seconds: float,
        remark: Callable[[], str | None] = lambda: None,
        describe: Callable[[], Mapping[str, Any]] | None = None,
    ) -> None:
        """Prepares the server. The functions are called in the operator's loop.

        Args:
            metrics: what /metrics shows.
            address: to listen on.
            port: to listen on; 0 picks a free one.
            refresh: brings gauges up to date before they are shown.
            not_ready_because: why the operator is not ready; None when it is.
            alive_seconds: how long the loop may stand still before /healthz says so.
            remark: what /readyz adds about the cluster when the operator is ready; None: nothing.
            describe: makes what /debug/state shows as JSON; without it there is no such page.
        """
        self.port = port
        self._metrics = metrics
        self._address = address
        self._refresh = refresh
        self._not_ready_because = not_ready_because
        self._alive_seconds = alive_seconds
        self._remark = remark
        self._describe = describe
        self._heartbeat = Heartbeat()
        self._listening: Future[int] = Future()
        # Whatever goes wrong in it must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)

    async def __aenter__(self) -> Self:
        """Starts to listen.

        Raises:
            OSError: the address cannot be listened on.
        """
        self._loop = asyncio.get_running_loop()
        self._thread.start()
        self.port = await asyncio.wrap_future(self._listening)
        self._beating = asyncio.create_task(self._heartbeat.beat(), name="heartbeat")
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._beating.cancel()
        self._serving.call_soon_threadsafe(self._stop.set)
        # Not waited for in the loop itself: it answers what was asked last.
        await asyncio.to_thread(self._thread.join)

    # In the thread

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:
            if self._listening.done():
                raise
            self._listening.set_exception(error)

    async def _serve(self) -> None:
        self._serving, self._stop = asyncio.get_running_loop(), asyncio.Event()
        # Of two that scrape at once, one would see the other's gauges half refreshed.
        self._scraping = asyncio.Lock()
        application = web.Application()
        application.router.add_get("/metrics", self._show_metrics)
        application.router.add_get("/healthz", self._health)
        application.router.add_get("/readyz", self._ready)
        if self._describe is not None:
            application.router.add_get("/debug/state", partial(self._show_state, self._describe))
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
        await runner.setup()
        try:
            await self._site(runner).start()
            self._listening.set_result(runner.addresses[0][1])
            await self._stop.wait()
        finally:
            await runner.cleanup()

    def _site(self, runner: web.AppRunner) -> web.BaseSite:
        if self._address != "::":
            return web.TCPSite(runner, self._address, self.port)
        # asyncio would give an IPv6 socket IPv6 alone; and a kernel may have none of it.
        if not socket.has_dualstack_ipv6():
            return web.SockSite(runner, socket.create_server(("", self.port)))
        both = socket.create_server(
            (self._address, self.port), family=socket.AF_INET6, dualstack_ipv6=True
        )
        return web.SockSite(runner, both)

    async def _ask(self, question: Callable[[], Answer]) -> Answer:
        """Has the operator's loop answer.

        Raises:
            _NoAnswer: it does not, and no longer will.
        """
        answer: Future[Answer] = Future()

        def reply() -> None:
            if answer.set_running_or_notify_cancel():
                try:
                    answer.set_result(question())
                except Exception as error:
                    answer.set_exception(error)

        try:
            self._loop.call_soon_threadsafe(reply)
        except RuntimeError:
            raise _NoAnswer("the event loop has ended") from None
        try:
            async with asyncio.timeout(_ASK_SECONDS):
                return await asyncio.wrap_future(answer)
        except TimeoutError:
            raise _NoAnswer("the event loop does not turn") from None

    async def _show_metrics(self, _: web.Request) -> web.Response:
        async with self._scraping:
            try:
                await self._ask(self._refresh)
            except _NoAnswer:
                # The rest is as old as the loop's last turn, and still the best there is.
                self._metrics.ready.set(0)
            body = generate_latest(self._metrics.registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _health(self, _: web.Request) -> web.Response:
        stopped = self._heartbeat.stopped_seconds
        if stopped <= self._alive_seconds:
            return web.Response(text="ok\n")
        text = f"not alive: the event loop has not turned for {stopped:.0f} s\n"
        return web.Response(status=503, text=text)

    async def _ready(self, _: web.Request) -> web.Response:
        remark = None
        try:
            reason, remark = await self._ask(lambda: (self._not_ready_because(), self._remark()))
        except _NoAnswer as error:
            reason = str(error)
        if reason is None:
            return web.Response(text="ok\n" if remark is None else f"ok\n{remark}\n")
        return web.Response(status=503, text=f"not ready: {reason}\n")

    async def _show_state(
        self, describe: Callable[[], Mapping[str, Any]], _: web.Request
    ) -> web.Response:
        loop = {
            "lagSeconds": round(self._heartbeat.lag, 3),
            "stoppedSeconds": round(self._heartbeat.stopped_seconds, 3),
        }
        try:
            return web.json_response({"loop": loop, **await self._ask(describe)})
        except _NoAnswer:
            return web.json_response({"loop": loop}, status=503)
