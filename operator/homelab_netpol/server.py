"""The operator's own HTTP endpoints: /metrics for Prometheus, probes for the kubelet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

from aiohttp import web
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from homelab_netpol.metrics import Metrics


class HealthServer:
    """Serves the endpoints for as long as the context lasts."""

    def __init__(
        self,
        metrics: Metrics,
        *,
        address: str,
        port: int,
        refresh: Callable[[], None],
        not_ready_because: Callable[[], str | None],
    ) -> None:
        """Prepares the server.

        Args:
            metrics: what /metrics shows.
            address: to listen on.
            port: to listen on; 0 picks a free one.
            refresh: brings gauges up to date before they are shown.
            not_ready_because: why the operator is not ready; None when it is.
        """
        self._metrics = metrics
        self._address = address
        self._port = port
        self._refresh = refresh
        self._not_ready_because = not_ready_because
        application = web.Application()
        application.router.add_get("/metrics", self._show_metrics)
        application.router.add_get("/healthz", self._health)
        application.router.add_get("/readyz", self._ready)
        self._runner = web.AppRunner(application, access_log=None)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, self._address, self._port).start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._runner.cleanup()

    async def _show_metrics(self, _: web.Request) -> web.Response:
        self._refresh()
        body = generate_latest(self._metrics.registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _health(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _ready(self, _: web.Request) -> web.Response:
        reason = self._not_ready_because()
        if reason is None:
            return web.Response(text="ok\n")
        return web.Response(status=503, text=f"not ready: {reason}\n")
