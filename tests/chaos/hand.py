"""One of those who change a cluster: asks the API server until there is an answer."""

from __future__ import annotations

import time
from random import Random
from typing import Any

from urllib3.exceptions import HTTPError

from tests.cluster.kube import Kube

_MERGE = "application/merge-patch+json"
_RETRY_SECONDS, _PATIENCE_SECONDS = 0.1, 60.0


class Hand:
    """Somebody with Namespaces of his own.

    Attributes:
        names: of his Namespaces.
        dice: decides what he does.
    """

    def __init__(self, kube: Kube, names: list[str], dice: Random) -> None:
        self.names = names
        self.dice = dice
        self._kube = kube

    def ask(self, method: str, path: str, body: Any = None, *, patch: str = _MERGE) -> int:
        """Asks again and again while the API server is away, or has no time.

        Returns:
            The status of the answer, whatever it is: much of what is asked for is not there.

        Raises:
            AssertionError: there was no answer for a minute.
        """
        deadline = time.monotonic() + _PATIENCE_SECONDS
        content = patch if method == "PATCH" else "application/json"
        while True:
            try:
                status, text = self._kube.call(method, path, body, content_type=content)
            except (HTTPError, OSError) as error:
                status, text = 0, str(error)
            if status and status != 429 and status < 500:
                return status
            if time.monotonic() > deadline:
                raise AssertionError(f"{method} {path} in vain for a minute: {status} {text}")
            time.sleep(_RETRY_SECONDS)

    def close(self) -> None:
        """Closes the connections."""
        self._kube.close()
