"""Requests to the API server: one session, JSON in and out, every failure as an `ApiError`.

Credentials and TLS are the Kubernetes client's business. The requests go straight to aiohttp: the
client's own way there takes a tenth of the operator's CPU time (docs/benchmarks.md).
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, Self
from urllib.parse import urlencode

import aiohttp
import orjson
from kubernetes.aio.client import Configuration
from kubernetes.aio.client.rest import RESTClientObject
from yarl import URL

from homelab_netpol import __version__
from homelab_netpol.cluster.connection import ClusterAccess, ConnectionFailed
from homelab_netpol.cluster.errors import Unavailable, error_from_response

log = logging.getLogger(__name__)

_PAGE = 500
# Objects are at most 3 MB or so (etcd's limit and what JSON adds); whoever sends more is broken.
_LONGEST_LINE = 16 * 1024 * 1024
# Credentials that are refused are read again, but not with every one of many refused requests.
_REREAD_SECONDS = 2.0
# A peer that is gone without a word is noticed after idle + 3 probes: 15 + 3 * 5 seconds.
_KEEPALIVE = {"TCP_KEEPIDLE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}


class Api:
    """A client of one API server. Use it as an async context manager.

    Attributes:
        on_unanswered: is called whenever a request other than a list got no answer: whether a watch
            still reaches us is not known then.
    """

    def __init__(
        self, access: ClusterAccess, configuration: Configuration, *, request_timeout: float
    ) -> None:
        """Prepares a session; nothing is sent yet.

        Args:
            access: where to read the credentials again, when they are no longer accepted.
            configuration: of the Kubernetes package: where, as whom, and over which TLS.
            request_timeout: seconds that a request may take in all.
        """
        self._access = access
        self._timeout = request_timeout
        self.on_unanswered: Callable[[], None] | None = None
        self._read_at = time.monotonic()
        self._rereading = asyncio.Lock()
        self._configure(configuration)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=configuration.connection_pool_maxsize,
                # Idle connections are kept longer than aiohttp does: whoever opens the hatch after
                # a quiet hour should not wait for a TLS handshake.
                keepalive_timeout=300,
                socket_factory=_keepalive_socket,
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
        try:
            return await self._request(method, path, query, body, content_type)
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
    ) -> dict[str, Any]:
        data = orjson.dumps(body) if body is not None else None
        headers = {"Content-Type": content_type} if data is not None else {}
        status, answer_headers, answer = await self._send(method, path, query, data, headers)
        if status == 401 and await self._read_credentials_again():
            status, answer_headers, answer = await self._send(method, path, query, data, headers)
        if not 200 <= status < 300:
            raise error_from_response(status, answer_headers, answer)
        try:
            found: dict[str, Any] = orjson.loads(answer)
        except ValueError as error:
            raise Unavailable(status, "NotJson", f"{method} {path}: {error}") from error
        return found

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
            page = await self._request("GET", path, query)
            version = int(page["metadata"]["resourceVersion"])
            yield page.get("items") or [], version
            token = page["metadata"].get("continue")
            if not token:
                return
            query["continue"] = token

    async def lines(
        self, path: str, *, query: Mapping[str, str], silence: float
    ) -> AsyncIterator[list[bytes]]:
        """Streams an answer that never ends by itself.

        Args:
            path: below the server's address.
            query: query parameters.
            silence: seconds without a byte after which the connection counts as dead.

        Yields:
            Whole lines as they come, as many as came together; first of all an empty list, when
            the server has accepted the request.

        Raises:
            ApiError: the subclass says what kind of failure.
        """
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=self._timeout, sock_read=max(silence, self._timeout)
        )
        with _failing(f"GET {path}", "nothing came for", silence):
            async with await self._open("GET", path, query, None, {}, timeout) as response:
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
                        raise Unavailable(200, "TooLong", f"GET {path}: a line without an end")
                    if whole:
                        yield whole

    async def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        data: bytes | None,
        headers: dict[str, str],
    ) -> tuple[int, Mapping[str, str], bytes]:
        with _failing(f"{method} {path}", "no answer within", self._timeout):
            async with await self._open(method, path, query, data, headers, None) as response:
                return response.status, response.headers, await response.read()

    async def _open(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        data: bytes | None,
        headers: dict[str, str],
        patience: aiohttp.ClientTimeout | None,
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        configuration = self._configuration
        # Asked for each time: a service account's token changes while the operator runs.
        token = await configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
        if token:
            headers["Authorization"] = token
        text = f"{self._server}{path}?{urlencode(query)}" if query else f"{self._server}{path}"
        return self._session.request(
            method,
            URL(text, encoded=True),
            data=data,
            headers=headers,
            ssl=self._ssl,
            server_hostname=configuration.tls_server_name,
            proxy=configuration.proxy,
            proxy_headers=configuration.proxy_headers,
            timeout=patience or self._session.timeout,
        )

    def _configure(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._server = configuration.host.rstrip("/")
        self._ssl: ssl.SSLContext = RESTClientObject(configuration).ssl_context

    async def _read_credentials_again(self) -> bool:
        """Reads the credentials, for they are refused; whether they may be others now."""
        asked_at = time.monotonic()
        async with self._rereading:
            if self._read_at >= asked_at:
                return True  # while we waited, somebody else did
            if asked_at - self._read_at < _REREAD_SECONDS:
                return False
            self._read_at = time.monotonic()
            try:
                self._configure(await self._access.configuration())
            except ConnectionFailed as error:
                log.warning("The API server refuses the credentials, and there are none: %s", error)
                return False
            return True


@contextmanager
def _failing(request: str, waited: str, seconds: float) -> Iterator[None]:
    """Turns what goes wrong on the way into Unavailable."""
    try:
        yield
    except TimeoutError as error:
        raise Unavailable(0, "Timeout", f"{request}: {waited} {seconds:g} s") from error
    except (aiohttp.ClientError, OSError) as error:
        raise Unavailable(0, "ConnectionFailed", f"{request}: {error}") from error


def _keepalive_socket(address: tuple[Any, ...]) -> socket.socket:
    family, kind, protocol, *_ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE.items():
        if hasattr(socket, option):  # not every system has them all
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return made
