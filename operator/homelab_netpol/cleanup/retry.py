"""Asks an API server again that cannot answer now, for half a minute."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from homelab_netpol.cluster.errors import Unavailable

Answer = TypeVar("Answer")

_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
_LONGEST_PAUSE = 30.0


async def with_retries(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """Asks, and asks again for as long as it is worth while.

    Raises:
        Unavailable: there is still no answer.
        ApiError: there is one, and it is no.
    """
    for pause in _PAUSES:
        try:
            return await ask()
        except Unavailable as error:
            await asyncio.sleep(min(max(pause, error.retry_after or 0.0), _LONGEST_PAUSE))
    return await ask()
