"""Carries the plan out: many at once, again and again where that helps, never what is not ours.

What an earlier run did before it was cut short is found done: it can be run again at any time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from homelab_netpol.cleanup.inventory import Inventory
from homelab_netpol.cleanup.lease_watch import LeaseSeen, LeaseWatch
from homelab_netpol.cleanup.ownership import Managed, judge
from homelab_netpol.cleanup.plan import Rewrite, deletions, rewrites
from homelab_netpol.cleanup.retry import with_retries
from homelab_netpol.cluster.client import Api
from homelab_netpol.cluster.errors import ApiError, Conflict, NotFound, Unavailable
from homelab_netpol.cluster.owned import OwnedObjects, Record
from homelab_netpol.cluster.resources import Resources
from homelab_netpol.policy.keys import PolicyKey
from homelab_netpol.policy.objects import LabelKeys, Policy

Item = TypeVar("Item")

_AT_ONCE = 16
# So often a policy is read again that somebody else has just written.
_TRIES = 5
_LOOK_SECONDS = 0.5


class CameBack(Exception):
    """An operator took the Lease while its policies were being removed."""

    def __init__(self, lease: LeaseSeen) -> None:
        super().__init__(
            f"the operator {lease.holder} is at work again (Lease {lease.namespace}/{lease.name})"
        )


class DenyRemains(Exception):
    """A policy could not be rewritten, so what still allows must not be taken away."""


@dataclass
class Outcome:
    """What was done.

    Attributes:
        deleted: policies and records that are gone.
        failed: those that are not, and why, in words.
    """

    deleted: set[PolicyKey | Record] = field(default_factory=set)
    failed: dict[PolicyKey | Record, str] = field(default_factory=dict)


class Removal:
    """Removes what an inventory found."""

    def __init__(
        self,
        api: Api,
        watch: LeaseWatch,
        *,
        keys: LabelKeys,
        settle: float,
        tell: Callable[[str], None],
    ) -> None:
        """Prepares.

        Args:
            api: the API server.
            watch: knows which Leases are dead.
            keys: the keys of our labels.
            settle: seconds between the last rewrite and the first delete, in which every node
                takes in the rewrites.
            tell: says how far it is.
        """
        self._resources = Resources(api)
        self._objects = OwnedObjects(api)
        self._watch = watch
        self._keys = keys
        self._settle = settle
        self._tell = tell
        self.outcome = Outcome()

    async def run(self, inventory: Inventory) -> None:
        """Removes; `outcome` says what came of it, also after an error.

        Raises:
            CameBack: an operator is at work again.
            DenyRemains: nothing was deleted, as something of ours would deny what that allows.
            Unavailable: the API server does not answer any more.
            ApiError: the Lease cannot be read any more.
        """
        failed = self.outcome.failed
        for writes in rewrites(inventory.managed):
            await self._each(writes, self._rewrite, "opened")
            if failed:
                raise DenyRemains
        if inventory.managed:
            await self._wait()
        for policies in deletions(inventory.managed):
            await self._still_alone()
            await self._each(policies, self._delete, "deleted")
        await self._still_alone()
        # While policies are left, the Lease goes on telling that they have an owner.
        if not failed:
            await self._each(inventory.records, self._delete_record, "deleted")

    async def _wait(self) -> None:
        """Nodes take in the rewrites; an operator that undoes them is noticed at once."""
        until = time.monotonic() + self._settle
        while (remaining := until - time.monotonic()) > 0:
            await asyncio.sleep(min(remaining, _LOOK_SECONDS))
            await self._still_alone()

    async def _still_alone(self) -> None:
        lease = await self._watch.changed()
        if lease is not None:
            raise CameBack(lease)

    async def _each(
        self, items: Iterable[Item], do: Callable[[Item], Awaitable[None]], verb: str
    ) -> None:
        waiting = list(items)
        total, done = len(waiting), 0
        waiting.reverse()

        async def work() -> None:
            nonlocal done
            while waiting:
                await do(waiting.pop())
                done += 1
                if done % 500 == 0:
                    self._tell(f"{done} of {total} {verb}")

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(_AT_ONCE, total)):
                    group.create_task(work())
        except* Unavailable as several:
            # Of many requests that get no answer, one tells why.
            raise several.exceptions[0] from None

    async def _rewrite(self, rewrite: Rewrite) -> None:
        key, live = rewrite.managed.live.key, rewrite.managed.live
        body = rewrite.change(rewrite.managed.body)
        component = rewrite.managed.component
        for _ in range(_TRIES):
            if body is None:
                return
            policy = Policy(key, component, live.labels, body, "", live.annotations)
            try:
                await with_retries(partial(self._resources.replace, policy, live))
            except NotFound:
                return
            except Conflict:
                now = await self._now(key, live.uid)
                if now is None:
                    return
                live, body = now.live, rewrite.change(now.body) if now.body else None
            except Unavailable:
                raise
            except ApiError as error:
                self.outcome.failed[key] = str(error)
                return
            else:
                return
        self.outcome.failed[key] = "somebody else keeps writing it"

    async def _now(self, key: PolicyKey, uid: str) -> Managed | None:
        """A policy as it stands now; None if it is gone, or not ours any more."""
        try:
            manifest = await with_retries(lambda: self._resources.get(key))
        except NotFound:
            return None
        found = judge(key.kind, manifest, self._keys)
        return found if isinstance(found, Managed) and found.live.uid == uid else None

    async def _delete(self, managed: Managed) -> None:
        await self._remove(managed.live.key, partial(self._resources.delete, managed.live))

    async def _delete_record(self, record: Record) -> None:
        await self._remove(record, partial(self._objects.delete, record))

    async def _remove(
        self, what: PolicyKey | Record, delete: Callable[[], Awaitable[None]]
    ) -> None:
        try:
            await with_retries(delete)
        except (NotFound, Conflict):
            # Gone meanwhile; whatever has its name now is another object.
            pass
        except Unavailable:
            raise
        except ApiError as error:
            self.outcome.failed[what] = str(error)
            return
        self.outcome.deleted.add(what)
