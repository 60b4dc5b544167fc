"""The failures of a request, one class for each thing to do about them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

# How RBAC words it; admission policies have their own words.
_LACKS_A_RIGHT = re.compile(r'User ".*" cannot [a-z]+ resource ')
_WHAT_TO_DO = "Give the operator the role that comes with it, see docs/rights.md"


class ApiError(Exception):
    """A request failed.

    Attributes:
        status: the HTTP status; 0 when there was no answer at all.
        reason: Kubernetes' own word for it, such as AlreadyExists.
        message: Kubernetes' sentence about it.
        retry_after: seconds that the server asks to wait, or None.
    """

    def __init__(
        self, status: int, reason: str, message: str, *, retry_after: float | None = None
    ) -> None:
        super().__init__(f"{status or 'no answer'} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after = retry_after


class NotFound(ApiError):
    """There is no such object, namespace or kind."""


class Expired(ApiError):
    """The resourceVersion to continue from is no longer kept: list from the beginning."""


class AlreadyExists(ApiError):
    """The name is taken."""


class Conflict(ApiError):
    """The object was changed since we read it."""


class NamespaceTerminating(ApiError):
    """The namespace is being deleted and takes nothing new."""


class Forbidden(ApiError):
    """The operator's account may not do that, or an admission policy objects."""


class Invalid(ApiError):
    """The object itself is wrong: a retry will not help."""


class Unavailable(ApiError):
    """The server cannot answer now: overloaded, restarting, gone, or too slow."""


def error_from_response(status: int, headers: Mapping[str, str], body: bytes) -> ApiError:
    """Turns an answer outside 2xx into the error."""
    try:
        parsed = json.loads(body)
    except ValueError:
        parsed = None  # a proxy or a dying server answers in plain text or HTML
    details = parsed if isinstance(parsed, dict) else {}
    return error_from_status(status, details, headers, body)


def error_from_status(
    status: int, details: Mapping[str, Any], headers: Mapping[str, str], body: bytes = b""
) -> ApiError:
    """Turns a Status object, which a watch sends as well, into the error.

    The body, if it is given, stands in for the message of a Status that has none.
    """
    reason = str(details.get("reason") or "")
    message = str(details.get("message") or body[:200].decode("utf-8", "replace").strip())
    if status == 403 and _LACKS_A_RIGHT.search(message):
        message = f"{message}. {_WHAT_TO_DO}"
    return _error_class(status, reason, details)(
        status, reason or "Error", message, retry_after=_retry_after(headers)
    )


def _error_class(status: int, reason: str, details: Mapping[str, Any]) -> type[ApiError]:
    match status:
        case 404:
            return NotFound
        case 410:
            return Expired
        case 409:
            return AlreadyExists if reason == "AlreadyExists" else Conflict
        case 403:
            causes = (details.get("details") or {}).get("causes") or []
            ending = any(cause.get("reason") == "NamespaceTerminating" for cause in causes)
            return NamespaceTerminating if ending else Forbidden
        case 400 | 405 | 413 | 415 | 422:
            return Invalid
        case _:
            # 401 as well: an expired token is read again with the next request.
            return Unavailable


def _retry_after(headers: Mapping[str, str]) -> float | None:
    value = headers.get("Retry-After", "")
    return min(float(value), 300.0) if value.isascii() and value.isdigit() else None


def refusal(error: ApiError) -> str:
    """The error for an account other than the operator's: without the advice about that one."""
    return str(error).removesuffix(f". {_WHAT_TO_DO}")
