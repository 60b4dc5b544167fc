"""Requests and watches on an API server, with whatever credentials a kubeconfig holds.

It does what kubectl would do. The operator's own client is not used, so that the demo depends on
nothing that it is meant to show.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kubernetes import config
from kubernetes.client import ApiClient, Configuration
from urllib3.exceptions import HTTPError

from lab.demo.errors import DemoError

Manifest = dict[str, Any]

_TIMEOUT = 10.0
# A watch is opened anew after this many seconds; it also bounds how long closing one may take.
_WATCH_SECONDS = 300


class RequestFailed(DemoError):
    """A request failed.

    Attributes:
        status: the HTTP status; 0 when there was no answer.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Client:
    """A client of one API server; usable by several threads.

    Args:
        kubeconfig: the kubeconfig file.
        context: a context of it.
        direct: connect directly, whatever proxy the environment names.
    """

    def __init__(self, kubeconfig: Path, context: str, *, direct: bool) -> None:
        configuration = Configuration()
        config.load_kube_config(
            str(kubeconfig), context, client_configuration=configuration, persist_config=False
        )
        if direct:
            configuration.proxy = None
        self._client = ApiClient(configuration)

    def get(self, path: str) -> Manifest:
        """Reads an object or a list."""
        return self._request("GET", path)

    def create(self, path: str, body: Manifest) -> Manifest:
        """Creates an object in a collection."""
        return self._request("POST", path, body)

    def merge(self, path: str, body: Manifest) -> Manifest:
        """Changes the fields of an object that the body names, as `kubectl label` does."""
        return self._request("PATCH", path, body, "application/merge-patch+json")

    def delete(self, path: str) -> None:
        """Deletes an object; one that is gone already is no error."""
        try:
            self._request("DELETE", path)
        except RequestFailed as error:
            if error.status != 404:
                raise

    def watch(
        self, path: str, version: str, closing: threading.Event
    ) -> Iterator[tuple[str, Manifest]]:
        """Follows a collection from a resourceVersion on, until the server ends the watch.

        Yields:
            The kind of each event (ADDED, MODIFIED, DELETED, ERROR), and its object.

        Raises:
            RequestFailed: the watch could not be opened, or broke off.
        """
        query = f"{path}?watch=true&resourceVersion={version}&timeoutSeconds={_WATCH_SECONDS}"
        try:
            response = self._send("GET", query, None, (_TIMEOUT, _WATCH_SECONDS + _TIMEOUT))
            if response.status != 200:
                raise RequestFailed(response.status, f"watch {path}: HTTP {response.status}")
            buffer = b""
            for chunk in response.response.stream(amt=None, decode_content=False):
                *lines, buffer = (buffer + chunk).split(b"\n")
                for line in filter(None, lines):
                    event = json.loads(line)
                    yield event["type"], event["object"]
                if closing.is_set():
                    return
        except (HTTPError, OSError) as error:
            raise RequestFailed(0, f"watch {path}: {error}") from error

    def _request(
        self,
        method: str,
        path: str,
        body: Manifest | None = None,
        content_type: str = "application/json",
    ) -> Manifest:
        try:
            response = self._send(method, path, body, _TIMEOUT, content_type)
            text = response.read().decode()
        except (HTTPError, OSError) as error:
            raise RequestFailed(0, f"{method} {path}: no answer: {error}") from error
        if not 200 <= response.status < 300:
            raise RequestFailed(response.status, f"{method} {path}: {_reason(text)}")
        answer: Manifest = json.loads(text)
        return answer

    def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        timeout: float | tuple[float, float],
        content_type: str = "application/json",
    ) -> Any:
        headers = {"Accept": "application/json", "Content-Type": content_type}
        request = self._client.param_serialize(
            method, path, header_params=headers, body=body, auth_settings=["BearerToken"]
        )
        return self._client.call_api(*request, _request_timeout=timeout)


def _reason(text: str) -> str:
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text[:200]
