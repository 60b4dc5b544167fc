"""Whether an operator is at work: it would write again what is deleted.

As in the leader election, a holder is alive if its Lease changes while we watch; the times written
in it are never compared, as clocks differ.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

_LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class LeaseSeen:
    """A Lease as it was read: unchanged for `duration` seconds, or without a holder, it is free."""

    namespace: str
    name: str
    uid: str
    version: str
    holder: str
    duration: float


def read_lease(manifest: Mapping[str, Any]) -> LeaseSeen:
    """Reduces a Lease to what shows whether its holder is alive."""
    metadata, spec = manifest["metadata"], manifest.get("spec") or {}
    return LeaseSeen(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        version=metadata["resourceVersion"],
        holder=spec.get("holderIdentity") or "",
        duration=float(spec.get("leaseDurationSeconds") or 15),
    )


class LeaseWatch:
    """Compares the operator's Leases with what they were at first: a change is a sign of life.

    `progress` shows why nothing happens for a while.
    """

    def __init__(
        self, read: Callable[[], Awaitable[list[LeaseSeen]]], progress: Callable[[str], None]
    ) -> None:
        self._read = read
        self._progress = progress
        self._first_seen: dict[str, LeaseSeen] = {}

    async def find_live(self) -> LeaseSeen | None:
        """Waits until it is certain whether a Lease has a holder that is alive.

        It takes a fifth of the Lease's duration if so, nothing if the Lease was given back, and the
        whole duration after a crash.

        Raises:
            ApiError: the Leases cannot be read.
        """
        self._first_seen = {lease.uid: lease for lease in await self._read()}
        held = [lease for lease in self._first_seen.values() if lease.holder]
        if not held:
            return None
        longest = max(lease.duration for lease in held)
        self._progress(
            f"{held[0].holder} holds the Lease: looking for up to {longest:g} s if it lives"
        )
        until = time.monotonic() + longest
        while time.monotonic() < until:
            await asyncio.sleep(_LOOK_SECONDS)
            if (alive := await self.find_changed()) is not None:
                return alive
        return None

    async def find_changed(self) -> LeaseSeen | None:
        """Reads once more: a Lease that is held, and that was written since `find_live` began.

        Raises:
            ApiError: the Leases cannot be read.
        """
        for lease in await self._read():
            before = self._first_seen.get(lease.uid)
            if lease.holder and (before is None or before.version != lease.version):
                return lease
        return None
