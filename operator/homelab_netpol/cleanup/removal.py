"""Carries the plan out, many requests at a time, with retries, on nothing but what is ours.

It can be cut short and run again at any time: what is done already is not done again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from homelab_netpol.cleanup.inventory import Inventory
from homelab_netpol.cleanup.lease_watch import LeaseWatch
from homelab_netpol.cleanup.ownership import ManagedPolicy, classify
from homelab_netpol.cleanup.plan import Rewrite, deletions, rewrites
from homelab_netpol.cleanup.retry import with_retries
from homelab_netpol.cluster.client import Api
from homelab_netpol.cluster.errors import ApiError, Conflict, NotFound, Unavailable
from homelab_netpol.cluster.owned import ObjectKey, OwnedObjects, Record
from homelab_netpol.cluster.resources import Resources
from homelab_netpol.policy.keys import PolicyKey
from homelab_netpol.policy.objects import LabelKeys, Policy

Item = TypeVar("Item")

_AT_ONCE = 16
# How often a policy is read again because others wrote it between our read and our write.
_TRIES = 5
_LOOK_SECONDS = 0.5


class RemovalStopped(Exception):
    """To go on would do harm; the message says why."""


@dataclass
class RemovalOutcome:
    """What is gone, and why the rest could not be rewritten or deleted."""

    deleted: set[ObjectKey] = field(default_factory=set)
    failed: dict[ObjectKey, str] = field(default_factory=dict)


class Removal:
    """Removes what an inventory found.

    Between the last rewrite and the first delete every node has `settle` seconds to take the
    rewrites in; `progress` shows how far it is.
    """

    def __init__(
        self,
        api: Api,
        watch: LeaseWatch,
        *,
        keys: LabelKeys,
        settle: float,
        progress: Callable[[str], None],
    ) -> None:
        self._resources = Resources(api)
        self._objects = OwnedObjects(api)
        self._watch = watch
        self._keys = keys
        self._settle = settle
        self._progress = progress
        self.outcome = RemovalOutcome()

    async def run(self, inventory: Inventory) -> None:
        """Removes; `outcome` holds what was done, also after an error.

        Raises:
            RemovalStopped: an operator is at work again and would undo it; or a policy could not be
                rewritten, so deleting others would deny what these allow.
            Unavailable: the API server does not answer any more.
            ApiError: the Lease cannot be read any more.
        """
        failed = self.outcome.failed
        for writes in rewrites(inventory.managed):
            await self._for_each(writes, self._rewrite, "opened")
            if failed:
                raise RemovalStopped(
                    "nothing was deleted: a policy that denies could not be changed, and the"
                    " others are what still lets traffic through"
                )
        if inventory.managed:
            await self._settle_rewrites()
        for policies in deletions(inventory.managed):
            await self._check_no_operator()
            await self._for_each(policies, self._delete, "deleted")
        await self._check_no_operator()
        # While policies are left, the Lease stays as a sign that they have an owner.
        if not failed:
            await self._for_each(inventory.records, self._delete_record, "deleted")

    async def _settle_rewrites(self) -> None:
        """Waits; stops at once if an operator undoes the rewrites."""
        until = time.monotonic() + self._settle
        while (remaining := until - time.monotonic()) > 0:
            await asyncio.sleep(min(remaining, _LOOK_SECONDS))
            await self._check_no_operator()

    async def _check_no_operator(self) -> None:
        lease = await self._watch.find_changed()
        if lease is not None:
            raise RemovalStopped(
                f"the operator {lease.holder} is at work again"
                f" (Lease {lease.namespace}/{lease.name})"
            )

    async def _for_each(
        self, items: Iterable[Item], do: Callable[[Item], Awaitable[None]], verb: str
    ) -> None:
        pending = list(items)
        total, done = len(pending), 0
        remaining = iter(pending)

        async def work() -> None:
            nonlocal done
            for item in remaining:
                await do(item)
                done += 1
                if done % 500 == 0:
                    self._progress(f"{done} of {total} {verb}")

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(_AT_ONCE, total)):
                    group.create_task(work())
        except* Unavailable as several:
            # Of many requests without an answer, one is enough to say why.
            raise several.exceptions[0] from None

    async def _rewrite(self, rewrite: Rewrite) -> None:
        current = rewrite.managed
        key = current.live.key
        with self._recording_failure(key):
            for _ in range(_TRIES):
                body = rewrite.change(current.body) if current.body else None
                if body is None:
                    return
                live = current.live
                policy = Policy(key, current.component, live.labels, body, "", live.annotations)
                try:
                    await with_retries(partial(self._resources.replace, policy, live))
                except NotFound:
                    return
                except Conflict:
                    found = await self._read(key, live.uid)
                    if found is None:
                        return
                    current = found
                else:
                    return
            self.outcome.failed[key] = "another owner keeps writing it"

    async def _read(self, key: PolicyKey, uid: str) -> ManagedPolicy | None:
        """A policy as it stands now; None if it is gone, or not ours any more."""
        try:
            manifest = await with_retries(lambda: self._resources.get(key))
        except NotFound:
            return None
        found = classify(key.kind, manifest, self._keys)
        return found if isinstance(found, ManagedPolicy) and found.live.uid == uid else None

    async def _delete(self, managed: ManagedPolicy) -> None:
        await self._remove(managed.live.key, partial(self._resources.delete, managed.live))

    async def _delete_record(self, record: Record) -> None:
        await self._remove(record, partial(self._objects.delete, record))

    async def _remove(self, what: ObjectKey, delete: Callable[[], Awaitable[None]]) -> None:
        with self._recording_failure(what):
            with suppress(NotFound, Conflict):  # gone meanwhile, or replaced by another object
                await with_retries(delete)
            self.outcome.deleted.add(what)

    @contextmanager
    def _recording_failure(self, what: ObjectKey) -> Iterator[None]:
        """Records a refusal and goes on; an API server that does not answer ends everything."""
        try:
            yield
        except Unavailable:
            raise
        except ApiError as error:
            self.outcome.failed[what] = str(error)
