"""One request to the API server, and the body of a write that only the leader may send."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from aiohttp import BytesPayload, ClientError
from aiohttp.abc import AbstractStreamWriter

from homelab_netpol.cluster.errors import Unavailable


class GuardedBody(BytesPayload):
    """JSON that is sent if it still may be at the moment when it is.

    aiohttp writes a body some turns of the event loop after it was asked to. A process that is
    stopped in between, and goes on once another replica leads, must not send it: without its body
    the API server does nothing about the request.
    """

    def __init__(self, value: bytes, content_type: str, may_send: Callable[[], bool]) -> None:
        super().__init__(value, content_type=content_type)
        self._may_send = may_send

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        """Writes it, or fails.

        Raises:
            ConnectionAbortedError: it may not be sent any more.
        """
        if not self._may_send():
            raise ConnectionAbortedError("another replica may lead by now")
        await super().write_with_length(writer, content_length)


class Request(NamedTuple):
    """A request.

    Attributes:
        method: HTTP method.
        path: below the server's address.
        query: query parameters.
        data: the body.
        content_type: of the body.
        accept: which form of the answer is wanted; "": JSON as it comes.
        may_send: asked when the body is sent.
    """

    method: str
    path: str
    query: Mapping[str, str] | None = None
    data: bytes | None = None
    content_type: str = ""
    accept: str = ""
    may_send: Callable[[], bool] | None = None

    @property
    def body(self) -> bytes | GuardedBody | None:
        """As aiohttp takes it."""
        if self.data is None or self.may_send is None:
            return self.data
        return GuardedBody(self.data, self.content_type, self.may_send)

    def __str__(self) -> str:
        """As messages name it."""
        return f"{self.method} {self.path}"


@contextmanager
def failing(request: Request, waited: str, seconds: float) -> Iterator[None]:
    """Turns a failure of the connection into Unavailable."""
    try:
        yield
    except TimeoutError as error:
        raise Unavailable(0, "Timeout", f"{request}: {waited} {seconds:g} s") from error
    except (ClientError, OSError) as error:
        raise Unavailable(0, "ConnectionFailed", f"{request}: {error}") from error
