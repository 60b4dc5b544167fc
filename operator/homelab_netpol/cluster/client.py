"""Requests to the API server: one session, JSON in and out, every failure as an `ApiError`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, Self

import aiohttp
from kubernetes.aio.client import ApiClient

from homelab_netpol.cluster.connection import ClusterAccess
from homelab_netpol.cluster.errors import Unavailable, error_from_response

_PAGE = 500


class Api:
    """A client of one API server. Use it as an async context manager."""

    def __init__(self, client: ApiClient, *, timeout: float) -> None:
        """Wraps a client.

        Args:
            client: of the Kubernetes package, with credentials.
            timeout: seconds that a request may take in all.
        """
        self._client = client
        self._timeout = timeout

    @classmethod
    async def connect(cls, access: ClusterAccess, *, request_timeout: float) -> Self:
        """Makes a client, whose requests may take so many seconds; nothing is sent yet.

        Raises:
            ConnectionFailed: there are no credentials.
        """
        client = ApiClient(configuration=await access.configuration())
        return cls(client, timeout=request_timeout)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._client.close()

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
        client = self._client
        _, url, headers, body, _ = await client.param_serialize(
            method,
            path,
            query_params=list((query or {}).items()),
            header_params={"Content-Type": content_type, "Accept": "application/json"},
            body=body,
            auth_settings=["BearerToken"],
        )
        try:
            async with asyncio.timeout(self._timeout):
                response = await client.call_api(
                    method, url, headers, body, _request_timeout=self._timeout
                )
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
