"""Whether an operator is at work: it would write again whatever is deleted.

As in the leader election, a holder lives if its Lease changes on our own clock; the times that are
written in it are never compared, as clocks differ.
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
    """A Lease as it was seen.

    Attributes:
        namespace: where it is.
        name: its name.
        uid: of this incarnation.
        version: its resourceVersion.
        holder: who holds it; "" when it was given back.
        duration: seconds after which an unchanged one is free.
    """

    namespace: str
    name: str
    uid: str
    version: str
    holder: str
    duration: float


def read_lease(manifest: Mapping[str, Any]) -> LeaseSeen:
    """Reduces a Lease to what tells whether its holder lives."""
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
    """Looks at the operator's Leases, and remembers which of them are dead."""

    def __init__(
        self, look: Callable[[], Awaitable[list[LeaseSeen]]], tell: Callable[[str], None]
    ) -> None:
        """Prepares.

        Args:
            look: reads the Leases.
            tell: says to whoever waits why nothing happens.
        """
        self._look = look
        self._tell = tell
        self.seen: dict[str, LeaseSeen] = {}

    async def living(self) -> LeaseSeen | None:
        """Waits until it is certain whether somebody holds a Lease and lives.

        It takes a fifth of the Lease's duration if so, nothing if the Lease was given back, and the
        whole duration after a crash.

        Raises:
            ApiError: the Leases cannot be read.
        """
        self.seen = {lease.uid: lease for lease in await self._look()}
        held = [lease for lease in self.seen.values() if lease.holder]
        if not held:
            return None
        longest = max(lease.duration for lease in held)
        self._tell(f"{held[0].holder} holds the Lease: looking for up to {longest:g} s if it lives")
        until = time.monotonic() + longest
        while time.monotonic() < until:
            await asyncio.sleep(_LOOK_SECONDS)
            if (alive := await self.changed()) is not None:
                return alive
        return None

    async def changed(self) -> LeaseSeen | None:
        """Looks once more: a Lease that somebody holds now, and that was written since.

        Raises:
            ApiError: the Leases cannot be read.
        """
        for lease in await self._look():
            before = self.seen.get(lease.uid)
            if lease.holder and (before is None or before.version != lease.version):
                return lease
        return None
