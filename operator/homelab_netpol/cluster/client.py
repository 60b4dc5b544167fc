"""Requests to the API server: one session, JSON in and out, every failure as an `ApiError`.

Credentials and TLS are the Kubernetes client's business. The requests go straight to aiohttp: the
client's own way there takes a tenth of the operator's CPU time (docs/benchmarks.md).
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, Self

import aiohttp
from kubernetes.aio.client import Configuration
from kubernetes.aio.client.rest import RESTClientObject
from yarl import URL

from homelab_netpol import __version__
from homelab_netpol.cluster.connection import ClusterAccess
from homelab_netpol.cluster.errors import Unavailable, error_from_response

_PAGE = 500


class Api:
    """A client of one API server. Use it as an async context manager."""

    def __init__(self, configuration: Configuration, *, request_timeout: float) -> None:
        """Prepares a session; nothing is sent yet.

        Args:
            configuration: of the Kubernetes package: where, as whom, and over which TLS.
            request_timeout: seconds that a request may take in all.
        """
        self._configuration = configuration
        self._timeout = request_timeout
        self._server = URL(configuration.host)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=configuration.connection_pool_maxsize,
                ssl=RESTClientObject(configuration).ssl_context,
                # Idle connections are kept longer than aiohttp does: whoever opens the hatch after
                # a quiet hour should not wait for a TLS handshake.
                keepalive_timeout=300,
            ),
            timeout=aiohttp.ClientTimeout(total=request_timeout),
            headers={"Accept": "application/json", "User-Agent": f"homelab-netpol/{__version__}"},
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )

    @classmethod
    async def connect(cls, access: ClusterAccess, *, request_timeout: float) -> Self:
        """Makes a client, whose requests may take so many seconds; nothing is sent yet.

        Raises:
            ConnectionFailed: there are no credentials.
        """
        return cls(await access.configuration(), request_timeout=request_timeout)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._session.close()

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
    ) -> dict[str, Any]:
        """Sends one request.

        Args:
            method: HTTP method.
            path: below the server's address; names in it are DNS labels and need no quoting.
            query: query parameters.
            body: sent as JSON.
            content_type: of the body, which says the kind of patch.

        Returns:
            The object that the server answered with.

        Raises:
            ApiError: the subclass says what kind of failure.
        """
        configuration = self._configuration
        headers = {"Content-Type": content_type} if body is not None else {}
        # Asked for each time: a service account's token changes while the operator runs.
        token = await configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
        if token:
            headers["Authorization"] = token
        try:
            async with self._session.request(
                method,
                self._server.joinpath(path.lstrip("/")).with_query(query or {}),
                data=json.dumps(body).encode() if body is not None else None,
                headers=headers,
                server_hostname=configuration.tls_server_name,
                proxy=configuration.proxy,
                proxy_headers=configuration.proxy_headers,
            ) as response:
                data = await response.read()
        except TimeoutError as error:
            message = f"{method} {path}: no answer within {self._timeout:g} s"
            raise Unavailable(0, "Timeout", message) from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(0, "ConnectionFailed", f"{method} {path}: {error}") from error
        if not 200 <= response.status < 300:
            raise error_from_response(response.status, response.headers, data)
        try:
            answer: dict[str, Any] = json.loads(data)
        except ValueError as error:
            raise Unavailable(response.status, "NotJson", f"{method} {path}: {error}") from error
        return answer

    async def pages(
        self, path: str, *, label_selector: str | None = None
    ) -> AsyncIterator[tuple[list[dict[str, Any]], int]]:
        """Lists a collection page by page, so that a large one is never in memory whole.

        Yields:
            Some of the objects, and the resourceVersion that the whole list is of; at least once,
            also when there are none.

        Raises:
            ApiError: the subclass says what kind of failure; what came before it is not a list.
        """
        query = {"limit": str(_PAGE)}
        if label_selector:
            query["labelSelector"] = label_selector
        while True:
            page = await self.request("GET", path, query=query)
            version = int(page["metadata"]["resourceVersion"])
            yield page.get("items") or [], version
            token = page["metadata"].get("continue")
            if not token:
                return
            query["continue"] = token
