"""The liveness probe: /healthz, asked now and then, as a kubelet does."""

from __future__ import annotations

import time

from lab.loopback import read_page

_PERIOD, _TIMEOUT = 1.0, 2.0  # seconds
# How often in a row it may fail, once it has succeeded, and before.
_FAILURES, _FAILURES_AT_START = 3, 20


class LivenessProbe:
    """The liveness probe of one process."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._due = 0.0
        self._failures = 0
        self._allowed = _FAILURES_AT_START

    def has_failed(self) -> bool:
        """Asks if it is time to; whether it failed too often in a row."""
        if time.monotonic() < self._due:
            return False
        self._due = time.monotonic() + _PERIOD
        try:
            read_page(f"{self._url}/healthz", timeout=_TIMEOUT)
        except OSError:
            self._failures += 1
        else:
            self._failures, self._allowed = 0, _FAILURES
        return self._failures >= self._allowed
