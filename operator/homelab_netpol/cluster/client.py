"""Requests to the API server: one session, JSON in and out, every failure as an `ApiError`.

Credentials and TLS are the Kubernetes client's business. The requests go straight to aiohttp: the
client's own way there takes a tenth of the operator's CPU time (docs/benchmarks.md).
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Self
from urllib.parse import urlencode

import aiohttp
import orjson
from kubernetes.aio.client import Configuration
from kubernetes.aio.client.rest import RESTClientObject
from yarl import URL

from homelab_netpol import __version__
from homelab_netpol.cluster.connection import ClusterAccess, ConnectionFailed, keepalive_socket
from homelab_netpol.cluster.errors import Unavailable, error_from_response
from homelab_netpol.cluster.request import Request, failing

log = logging.getLogger(__name__)

_PAGE = 500
# Kubernetes' own form of a list of objects that have nothing but their metadata.
_METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
# Objects are at most 3 MB or so (etcd's limit and what JSON adds); a longer line is an error.
_LONGEST_LINE = 16 * 1024 * 1024
# Credentials that are refused are read again, but not with every one of many refused requests.
_REREAD_SECONDS = 2.0


class Api:
    """A client of one API server, to be used as an async context manager.

    It reads the credentials from `access` again when the API server refuses those it has.

    Attributes:
        server: the API server's address.
        on_unanswered: is called whenever a request other than a list got no answer: whether a watch
            still reaches us is not known then.
    """

    def __init__(
        self, access: ClusterAccess, configuration: Configuration, *, request_timeout: float
    ) -> None:
        self._access = access
        self._timeout = request_timeout
        self.on_unanswered: Callable[[], None] | None = None
        self._read_at = time.monotonic()
        self._rereading = asyncio.Lock()
        self._configure(configuration)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=configuration.connection_pool_maxsize,
                # Idle connections are kept longer than aiohttp does: a hatch that is opened after a
                # few quiet minutes should not wait for a TLS handshake.
                keepalive_timeout=300,
                socket_factory=keepalive_socket,
            ),
            timeout=aiohttp.ClientTimeout(total=request_timeout),
            headers={"Accept": "application/json", "User-Agent": f"homelab-netpol/{__version__}"},
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )

    @classmethod
    async def connect(cls, access: ClusterAccess, *, request_timeout: float) -> Self:
        """Makes a client whose requests may take so many seconds in all; nothing is sent yet.

        Raises:
            ConnectionFailed: there are no credentials.
        """
        return cls(access, await access.configuration(), request_timeout=request_timeout)

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
        may_send: Callable[[], bool] | None = None,
    ) -> dict[str, Any]:
        """Sends one request, and once more if new credentials may help.

        Args:
            method: HTTP method.
            path: below the server's address; names in it are DNS labels and need no quoting.
            query: query parameters.
            body: sent as JSON.
            content_type: of the body, which says the kind of patch.
            may_send: asked when the body is sent; if not, the request fails.

        Returns:
            The object that the server answered with.

        Raises:
            ApiError: the subclass says what kind of failure.
        """
        try:
            return await self._request(method, path, query, body, content_type, may_send=may_send)
        except Unavailable as error:
            if error.status == 0 and self.on_unanswered is not None:
                self.on_unanswered()
            raise

    async def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Any = None,
        content_type: str = "",
        accept: str = "",
        may_send: Callable[[], bool] | None = None,
    ) -> dict[str, Any]:
        data = orjson.dumps(body) if body is not None else None
        request = Request(method, path, query, data, content_type, accept, may_send)
        status, headers, answer = await self._send(request)
        if status == 401 and await self._read_credentials_again():
            status, headers, answer = await self._send(request)
        if not 200 <= status < 300:
            raise error_from_response(status, headers, answer)
        try:
            found: dict[str, Any] = orjson.loads(answer)
        except ValueError as error:
            raise Unavailable(status, "NotJson", f"{request}: {error}") from error
        return found

    async def merge_patch(
        self, path: str, body: Any, *, query: Mapping[str, str] | None = None
    ) -> None:
        """Changes the fields that `body` has, and no others (RFC 7396).

        Raises:
            ApiError: the subclass says what kind of failure.
        """
        content_type = "application/merge-patch+json"
        await self.request("PATCH", path, query=query, body=body, content_type=content_type)

    async def pages(
        self,
        path: str,
        *,
        label_selector: str | None = None,
        field_selector: str | None = None,
        metadata_only: bool = False,
        page_size: int = _PAGE,
    ) -> AsyncIterator[tuple[list[dict[str, Any]], int]]:
        """Lists a collection page by page, so that a large one is never in memory whole.

        Args:
            path: of the collection.
            label_selector: which objects, by their labels.
            field_selector: which, by the fields that the API server selects by.
            metadata_only: leave out all but the objects' `metadata`.
            page_size: how many objects at once; a page is parsed while nothing else happens.

        Yields:
            Some of the objects, and the resourceVersion that the whole list is of; at least once,
            also when there are none.

        Raises:
            ApiError: the subclass says what kind of failure; what came before it is not a list.
        """
        query = {"limit": str(page_size)}
        if label_selector:
            query["labelSelector"] = label_selector
        if field_selector:
            query["fieldSelector"] = field_selector
        accept = _METADATA_ONLY if metadata_only else ""
        while True:
            page = await self._request("GET", path, query, accept=accept)
            version = int(page["metadata"]["resourceVersion"])
            yield page.get("items") or [], version
            token = page["metadata"].get("continue")
            if not token:
                return
            query["continue"] = token

    async def lines(
        self, path: str, *, query: Mapping[str, str], silence: float
    ) -> AsyncIterator[list[bytes]]:
        """Streams an answer until the server ends it.

        The connection counts as dead after `silence` seconds without a byte.

        Yields:
            Whole lines, as many as came together; an empty list first, when the server has
            accepted the request.

        Raises:
            ApiError: the subclass says what kind of failure.
        """
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=self._timeout, sock_read=max(silence, self._timeout)
        )
        request = Request("GET", path, query)
        with failing(request, "nothing came for", silence):
            async with await self._open(request, timeout) as response:
                if response.status != 200:
                    if response.status == 401:
                        await self._read_credentials_again()
                    body = await response.read()
                    raise error_from_response(response.status, response.headers, body)
                yield []
                rest = b""
                async for chunk in response.content.iter_any():
                    *whole, rest = (rest + chunk).split(b"\n")
                    if len(rest) > _LONGEST_LINE:
                        raise Unavailable(200, "TooLong", f"{request}: a line without an end")
                    if whole:
                        yield whole

    async def plain(
        self, path: str, query: Mapping[str, str] | None = None, *, most: int
    ) -> tuple[int, Mapping[str, str], bytes]:
        """The status, headers and first `most` bytes of what need not be JSON, such as a log.

        Raises:
            Unavailable: there was no answer.
        """
        request = Request("GET", path, query, accept="*/*")
        with failing(request, "no answer within", self._timeout):
            async with await self._open(request) as response:
                body = b""
                async for chunk in response.content.iter_any():
                    body += chunk
                    if len(body) >= most:
                        break
                return response.status, response.headers, body[:most]

    async def _send(self, request: Request) -> tuple[int, Mapping[str, str], bytes]:
        with failing(request, "no answer within", self._timeout):
            async with await self._open(request) as response:
                return response.status, response.headers, await response.read()

    async def _open(
        self, request: Request, limits: aiohttp.ClientTimeout | None = None
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        configuration = self._configuration
        headers = {} if request.data is None else {"Content-Type": request.content_type}
        if request.accept:
            headers["Accept"] = request.accept
        # Read each time: a service account's token changes while the operator runs.
        token = await configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
        if token:
            headers["Authorization"] = token
        query = f"?{urlencode(request.query)}" if request.query else ""
        return self._session.request(
            request.method,
            URL(f"{self.server}{request.path}{query}", encoded=True),
            data=request.body,
            headers=headers,
            ssl=self._ssl,
            server_hostname=configuration.tls_server_name,
            proxy=configuration.proxy,
            proxy_headers=configuration.proxy_headers,
            timeout=limits or self._session.timeout,
        )

    def _configure(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self.server: str = configuration.host.rstrip("/")
        self._ssl: ssl.SSLContext = RESTClientObject(configuration).ssl_context

    async def _read_credentials_again(self) -> bool:
        """Reads the credentials, as they were refused; whether they may be others now."""
        asked_at = time.monotonic()
        async with self._rereading:
            if self._read_at >= asked_at:
                return True  # another request did while this one waited
            if asked_at - self._read_at < _REREAD_SECONDS:
                return False
            self._read_at = time.monotonic()
            try:
                self._configure(await self._access.configuration())
            except ConnectionFailed as error:
                log.warning("The API server refuses the credentials, and there are none: %s", error)
                return False
            return True
