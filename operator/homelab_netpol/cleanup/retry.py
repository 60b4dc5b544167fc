"""Retries requests that an API server cannot answer now, for half a minute."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from homelab_netpol.cluster.errors import Unavailable

Answer = TypeVar("Answer")

_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
_LONGEST_PAUSE = 30.0


async def with_retries(send: Callable[[], Awaitable[Answer]]) -> Answer:
    """Sends a request, and again after each pause, at least as long as Retry-After asks for.

    Raises:
        Unavailable: there is still no answer.
        ApiError: the answer is a refusal, which no retry changes.
    """
    for pause in _PAUSES:
        try:
            return await send()
        except Unavailable as error:
            await asyncio.sleep(min(max(pause, error.retry_after or 0.0), _LONGEST_PAUSE))
    return await send()
