"""The names of ours that policies of others have, and which of these are handed over."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from homelab_netpol.policy.diff import Change, Create
from homelab_netpol.policy.keys import PolicyKey, WorkKey
from homelab_netpol.policy.take_over import OthersPolicy
from homelab_netpol.reconcile.writer import Writer

# What is handed over within so many seconds changes hands together.
_SETTLING_SECONDS = 1.0


class TakenNames:
    """Remembers for which work keys a name was taken at their last turn.

    Most names are free: they are found to be taken when a policy is created. From then on the
    policies that are in the way are read first, all of them before anything is written, as those
    that are handed over together change hands together.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._known: set[WorkKey] = set()

    def found(self, work: WorkKey) -> None:
        """A name that this work key needs is taken."""
        self._known.add(work)

    def forget(self, work: WorkKey) -> None:
        """Drops a work key that is gone."""
        self._known.discard(work)

    async def look(
        self, work: WorkKey, changes: Iterable[Change]
    ) -> Mapping[PolicyKey, OthersPolicy]:
        """Reads the policies of others that have the names of these changes.

        Returns:
            None of them if none was found before.

        Raises:
            ApiError: one could not be read.
        """
        if work not in self._known:
            return {}
        keys = [change.policy.key for change in changes if isinstance(change, Create)]
        others = await self._read(keys)
        # Several are annotated one after the other, though with one command.
        before: set[PolicyKey] = set()
        while (handed := _handed_over(others)) != before and len(handed) < len(others):
            before = handed
            await asyncio.sleep(_SETTLING_SECONDS)
            others = await self._read(keys)
        if not others:
            self._known.discard(work)
        return others

    async def _read(self, keys: Sequence[PolicyKey]) -> dict[PolicyKey, OthersPolicy]:
        read = await asyncio.gather(*map(self._writer.others_policy, keys))
        return {key: other for key, other in zip(keys, read, strict=True) if other is not None}


def _handed_over(others: Mapping[PolicyKey, OthersPolicy]) -> set[PolicyKey]:
    return {key for key, other in others.items() if other.handed_over}
