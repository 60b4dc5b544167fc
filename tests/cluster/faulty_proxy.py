"""An HTTP proxy between the operator and the API server that fails when told to.

    with FaultyProxy(kubeconfig) as proxy:
        with running_operator(proxy.kubeconfig) as operator:
            with proxy.fault(faults.status(503), methods=["POST"]) as fault:
                ...
                assert fault.hits

It speaks plain HTTP on loopback, and puts the credentials on by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import tempfile
import threading
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Self

import aiohttp
import yaml
from aiohttp import web
from kubernetes import client, config

from tests.cluster.faults import Fault, Manner, reset

_HOP_BY_HOP = {"connection", "host", "keep-alive", "transfer-encoding", "content-length"}


class FaultyProxy:
    """The proxy, for as long as the context lasts.

    Args:
        kubeconfig: of the API server.
        context: of that file; without it, the current one.

    Attributes:
        kubeconfig: a file that leads to the proxy.
    """

    def __init__(self, kubeconfig: Path, context: str | None = None) -> None:
        self._upstream = client.Configuration()
        config.load_kube_config(
            str(kubeconfig), context, client_configuration=self._upstream, persist_config=False
        )
        self._folder = tempfile.TemporaryDirectory(prefix="homelab-netpol-proxy-")
        self.kubeconfig = Path(self._folder.name, "kubeconfig")
        self._faults: list[Fault] = []
        self._requests: list[web.Request] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        port = self._do(self._start())
        entry = {"server": f"http://127.0.0.1:{port}"}
        self.kubeconfig.write_text(
            yaml.safe_dump(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "proxy",
                    "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": "me"}}],
                    "clusters": [{"name": "proxy", "cluster": entry}],
                    "users": [{"name": "me", "user": {}}],
                }
            ),
            encoding="utf-8",
        )
        return self

    def __exit__(self, *error: object) -> None:
        for fault in self._faults:
            fault.stop()
        self._do(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._folder.cleanup()

    @contextlib.contextmanager
    def fault(
        self,
        manner: Manner,
        *,
        methods: Collection[str] = (),
        path: str = "",
        times: int | None = None,
    ) -> Iterator[Fault]:
        """Misbehaves for the length of the block.

        Args:
            manner: how.
            methods: of the requests to spoil; none given: all.
            path: a part of their path and query.
            times: how many of them; None: all.
        """
        fault = Fault(manner, methods, path, times)
        self._faults.append(fault)
        try:
            yield fault
        finally:
            fault.stop()
            self._faults.remove(fault)

    def cut(self) -> None:
        """Cuts every connection that is in use, watches among them."""
        self._do(self._cut())

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """Is not there for the length of the block: connections are cut, and refused."""
        self._do(self._site.stop())
        self._do(self._cut())
        try:
            yield
        finally:
            self._do(self._listen(self._port))

    def _do(self, job: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(job, self._loop).result(30)

    async def _start(self) -> int:
        self._session = aiohttp.ClientSession(
            auto_decompress=False,
            connector=aiohttp.TCPConnector(ssl=_tls(self._upstream), limit=0),
            timeout=aiohttp.ClientTimeout(total=None),
        )
        application = web.Application(client_max_size=16 * 1024 * 1024)
        application.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await self._listen(0)
        port: int = self._runner.addresses[0][1]
        self._port = port
        return port

    async def _listen(self, port: int) -> None:
        self._site = web.TCPSite(self._runner, "127.0.0.1", port)
        await self._site.start()

    async def _stop(self) -> None:
        await self._cut()
        await self._runner.cleanup()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._session.close()

    async def _cut(self) -> None:
        for request in list(self._requests):
            if request.transport is not None:
                request.transport.abort()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self._requests.append(request)
        try:
            await request.read()
            for fault in list(self._faults):
                if fault.takes(request):
                    return await fault.spoil(request, self._forward)
            return await self._forward(request)
        except (aiohttp.ClientError, ConnectionError):
            return await reset(Fault(reset), request, self._forward)
        finally:
            self._requests.remove(request)

    async def _forward(self, request: web.Request, *, whole: bool = True) -> web.StreamResponse:
        headers = {k: v for k, v in request.headers.items() if k.lower() not in _HOP_BY_HOP}
        token = self._upstream.get_api_key_with_prefix("BearerToken", alias="authorization")
        if token:
            headers["Authorization"] = token
        async with self._session.request(
            request.method,
            f"{self._upstream.host}{request.path_qs}",
            headers=headers,
            data=await request.read() or None,
        ) as answer:
            kept = {k: v for k, v in answer.headers.items() if k.lower() not in _HOP_BY_HOP}
            if "watch=true" not in request.query_string and whole:
                return web.Response(status=answer.status, headers=kept, body=await answer.read())
            stream = web.StreamResponse(status=answer.status, headers=kept)
            await stream.prepare(request)
            async for chunk in answer.content.iter_any():
                if not whole:
                    await stream.write(chunk[: len(chunk) // 2])
                    raise ConnectionResetError
                await stream.write(chunk)
            return stream


def _tls(upstream: client.Configuration) -> Any:
    context = ssl.create_default_context(cafile=upstream.ssl_ca_cert)
    if upstream.cert_file:
        context.load_cert_chain(upstream.cert_file, upstream.key_file)
    return context
