"""Writes one change, and never touches what is not ours.

An object of our name that is not ours is an error to report, not an obstacle to remove. Ours is
what carries our label, or whose spec our field manager owns (the label may have been taken off).
"""

from __future__ import annotations

from homelab_netpol.cache.policies import PolicyCache
from homelab_netpol.cluster.errors import (
    AlreadyExists,
    Conflict,
    NamespaceTerminating,
    NotFound,
    Unavailable,
)
from homelab_netpol.cluster.lease import Leadership
from homelab_netpol.cluster.resources import Resources
from homelab_netpol.policy.diff import Change, Create, Delete, Replace, in_sync
from homelab_netpol.policy.keys import PolicyKey
from homelab_netpol.policy.objects import LivePolicy, Policy, is_managed, read_live, written_by_us


class ForeignPolicy(Exception):
    """A policy of the name that we need is not the operator's."""

    def __init__(self, key: PolicyKey) -> None:
        super().__init__(
            f"{key} exists and was not written by this operator; it is left alone, and what should"
            " stand there does not. Rename or delete it."
        )
        self.key = key


class Writer:
    """Writes policies, and keeps the cache up to date with what the server answers."""

    def __init__(
        self,
        resources: Resources,
        policies: PolicyCache,
        leadership: Leadership,
        component_label: str,
    ) -> None:
        """Prepares; all of the operator's policies carry a label with the key `component_label`."""
        self._leadership = leadership
        self._resources = resources
        self._policies = policies
        self._component_label = component_label

    async def write(self, change: Change) -> bool:
        """Makes a change.

        Returns:
            Whether anything was written: not when it was done already, or the namespace is being
            deleted.

        Raises:
            ForeignPolicy: the name is taken by a policy that is not the operator's.
            ApiError: the server did not do it; the subclass says why.
        """
        if not self._leadership.is_set():
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
            self._policies.record_write(await self._resources.create(policy), policy.digest)
        except AlreadyExists:
            return await self._read_again(policy)
        return True

    async def _replace(self, policy: Policy, live: LivePolicy) -> bool:
        try:
            replaced = await self._resources.replace(policy, live)
        except (Conflict, NotFound):
            return await self._read_again(policy)
        self._policies.record_write(replaced, policy.digest)
        return replaced.resource_version != live.resource_version

    async def _delete(self, live: LivePolicy) -> bool:
        try:
            await self._resources.delete(live)
        except NotFound:
            self._policies.record_delete(live)
            return False
        self._policies.record_delete(live)
        return True

    async def _read_again(self, policy: Policy) -> bool:
        """The object is not the cached one: read it, and try once more."""
        try:
            manifest = await self._resources.get(policy.key)
        except NotFound:
            # Its namespace may be gone as well: then this raises NotFound, and the key comes back.
            self._policies.record_write(await self._resources.create(policy), policy.digest)
            return True
        live = read_live(policy.key.kind, manifest)
        ours = (
            is_managed(live.labels)
            or written_by_us(manifest, self._component_label)
            or live.uid == self._policies.last_uid(policy.key)
        )
        if not ours:
            raise ForeignPolicy(policy.key)
        self._policies.record_write(live, live.digest)
        if in_sync(policy, live):
            return False
        replaced = await self._resources.replace(policy, live)
        self._policies.record_write(replaced, policy.digest)
        return replaced.resource_version != live.resource_version
