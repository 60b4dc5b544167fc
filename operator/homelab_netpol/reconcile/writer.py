"""Carries out one change, and never touches what is not ours.

An object of our name that is not ours is an error to report, not an obstacle to remove. Ours is
what carries our label, or whose spec our field manager owns (the label may have been taken off).
"""

from __future__ import annotations

from collections.abc import Callable

from homelab_netpol.cache.policies import PolicyCache
from homelab_netpol.cluster.errors import (
    AlreadyExists,
    Conflict,
    NamespaceTerminating,
    NotFound,
    Unavailable,
)
from homelab_netpol.cluster.resources import Resources
from homelab_netpol.policy.diff import Change, Create, Delete, Replace, in_sync
from homelab_netpol.policy.keys import PolicyKey
from homelab_netpol.policy.objects import LivePolicy, Policy, is_managed, read_live, written_by_us


class ForeignPolicy(Exception):
    """A policy of the name that we need belongs to somebody else."""

    def __init__(self, key: PolicyKey) -> None:
        super().__init__(
            f"{key} exists and was not written by this operator; it is left alone, and what should"
            " stand there does not. Rename or delete it."
        )
        self.key = key


class Writer:
    """Writes policies, and keeps what is known of them up to date with what the server answered."""

    def __init__(
        self,
        resources: Resources,
        standing: PolicyCache,
        component_label: str,
        is_leading: Callable[[], bool],
    ) -> None:
        """Prepares; `is_leading` is asked before each write, as there may be two replicas."""
        self._is_leading = is_leading
        self._resources = resources
        self._standing = standing
        self._component_label = component_label

    async def carry_out(self, change: Change) -> bool:
        """Carries out a change.

        Returns:
            Whether anything was written: not when somebody else did it already, or the namespace
            is going away.

        Raises:
            ForeignPolicy: the name is taken by somebody else's policy.
            ApiError: the server did not do it; the subclass says why.
        """
        if not self._is_leading():
            raise Unavailable(0, "NotLeading", "another replica may lead by now")
        try:
            match change:
                case Create(policy):
                    return await self._create(policy)
                case Replace(policy, live):
                    return await self._replace(policy, live)
                case Delete(live):
                    return await self._delete(live)
        except NamespaceTerminating:
            return False

    async def _create(self, policy: Policy) -> bool:
        try:
            self._standing.record_write(await self._resources.create(policy), policy.digest)
        except AlreadyExists:
            return await self._reconsider(policy)
        return True

    async def _replace(self, policy: Policy, live: LivePolicy) -> bool:
        try:
            replaced = await self._resources.replace(policy, live)
        except (Conflict, NotFound):
            return await self._reconsider(policy)
        self._standing.record_write(replaced, policy.digest)
        return replaced.resource_version != live.resource_version

    async def _delete(self, live: LivePolicy) -> bool:
        try:
            await self._resources.delete(live)
        except NotFound:
            self._standing.record_delete(live)
            return False
        self._standing.record_delete(live)
        return True

    async def _reconsider(self, policy: Policy) -> bool:
        """The object is not what we thought: look at it, and try once more."""
        try:
            manifest = await self._resources.get(policy.key)
        except NotFound:
            # Its namespace may be gone as well: then this raises NotFound, and the key comes back.
            self._standing.record_write(await self._resources.create(policy), policy.digest)
            return True
        live = read_live(policy.key.kind, manifest)
        ours = (
            is_managed(live.labels)
            or written_by_us(manifest, self._component_label)
            or live.uid == self._standing.last_uid(policy.key)
        )
        if not ours:
            raise ForeignPolicy(policy.key)
        self._standing.record_write(live, live.digest)
        if in_sync(policy, live):
            return False
        replaced = await self._resources.replace(policy, live)
        self._standing.record_write(replaced, policy.digest)
        return replaced.resource_version != live.resource_version
