"""A handful of plain requests to an API server: enough to start one and to install CRDs.

The Kubernetes client is not used, because importing it takes a second of the start.
"""

import base64
import http.client
import json
import ssl
import time
import urllib.parse
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from lab.control_plane.errors import LocalClusterError

_TIMEOUT = 10.0
_IDLE_SECONDS = 20.0


@dataclass(frozen=True)
class Answer:
    """The answer to one request; status 0 means that there was none, and `text` is the reason."""

    status: int
    text: str

    def json(self) -> Any:
        """The answer's body as an object."""
        return json.loads(self.text)


class Api(Protocol):
    """Something that takes requests to one API server."""

    def request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        """Sends a request and reads the whole answer. Never raises: see `Answer`."""

    def watch_status(self, path: str) -> int:
        """The HTTP status that a watch of the collection at `path` begins with, 0 for none."""


def request_done(
    api: Api,
    method: str,
    path: str,
    body: Mapping[str, Any] | None = None,
    *,
    fine: Collection[int] = (),
) -> Answer:
    """Sends a request that is to succeed.

    Args:
        api: Where to.
        method: See `Api.request`.
        path: See there.
        body: See there.
        fine: Statuses that are no error either.

    Raises:
        LocalClusterError: It does not succeed, with what the API server said.
    """
    answer = api.request(method, path, body)
    if not 200 <= answer.status < 300 and answer.status not in fine:
        raise LocalClusterError(f"{method} {path}: {answer.status} {answer.text}")
    return answer


class LocalApi:
    """Token access to a local control plane; connects directly, whatever proxy is configured.

    Not for use by several threads at once.

    Args:
        kubeconfig: A file that `credentials.kubeconfig` wrote.
    """

    def __init__(self, kubeconfig: Path) -> None:
        document = json.loads(kubeconfig.read_text())
        cluster = document["clusters"][0]["cluster"]
        certificates = base64.b64decode(cluster["certificate-authority-data"]).decode()
        self._tls = ssl.create_default_context(cadata=certificates)
        self._address = urllib.parse.urlsplit(cluster["server"]).netloc
        self._headers = {
            "Authorization": f"Bearer {document['users'][0]['user']['token']}",
            "Content-Type": "application/json",
        }
        self._connection: http.client.HTTPSConnection | None = None
        self._used = 0.0

    def request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        """See `Api.request`."""
        if time.monotonic() - self._used > _IDLE_SECONDS:
            # The server may have closed it by now, which would only be seen after sending.
            self.close()
        self._used = time.monotonic()
        try:
            if self._connection is None:
                self._connection = self._connect()
            payload = None if body is None else json.dumps(body)
            self._connection.request(method, path, payload, self._headers)
            response = self._connection.getresponse()
            return Answer(response.status, response.read().decode())
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return Answer(0, str(error))

    def watch_status(self, path: str) -> int:
        """See `Api.watch_status`."""
        # A connection of its own, because a watch ends only by closing it.
        try:
            connection = self._connect()
            try:
                connection.request("GET", f"{path}?watch=true", headers=self._headers)
                return connection.getresponse().status
            finally:
                connection.close()
        except (OSError, http.client.HTTPException):
            return 0

    def close(self) -> None:
        """Closes the connection; the next request opens a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(self._address, timeout=_TIMEOUT, context=self._tls)
