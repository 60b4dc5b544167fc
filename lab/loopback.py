"""Pages of servers on this machine: plain HTTP, past any proxy, and no other scheme."""

from __future__ import annotations

import urllib.request
from http.client import HTTPResponse


def _opener() -> urllib.request.OpenerDirector:
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.HTTPHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
    ):
        opener.add_handler(handler)
    return opener


_OPENER = _opener()


def open_page(url: str, *, timeout: float, data: bytes | None = None) -> HTTPResponse:
    """Opens a page, to be used in a `with`.

    Args:
        url: begins with http.
        timeout: seconds, for each wait.
        data: what is posted; None: it is a GET.

    Raises:
        OSError: nobody answers; `HTTPError`, which is one, when the status is no success.
    """
    answer = _OPENER.open(url, data, timeout)
    if not isinstance(answer, HTTPResponse):
        raise OSError(f"{url} is not http")
    return answer


def read_page(url: str, *, timeout: float, data: bytes | None = None) -> str:
    """Reads a page as text; arguments and errors are those of `open_page`."""
    with open_page(url, timeout=timeout, data=data) as answer:
        return answer.read().decode()
