"""Writes one change, and never touches what is not ours.

An object of our name that is not ours is an error to report, not an obstacle to remove. Ours is
what carries our label, or whose spec our field manager owns (the label may have been taken off);
and what its owner hands over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
from homelab_netpol.policy.objects import (
    LabelKeys,
    LivePolicy,
    Policy,
    is_managed,
    read_live,
    written_by_us,
)
from homelab_netpol.policy.take_over import OthersPolicy, read_others_policy, untracked

# Its owner may write a policy at the very moment when it is taken over.
_ATTEMPTS = 3


class ForeignPolicy(Exception):
    """A policy of the name that we need is not the operator's.

    Attributes:
        other: that policy, as it was read.
    """

    def __init__(self, other: OthersPolicy) -> None:
        super().__init__(
            f"{other.key} exists and was not written by this operator; it is left alone"
        )
        self.other = other


class Writer:
    """Writes policies, and keeps the cache up to date with what the server answers."""

    def __init__(
        self,
        resources: Resources,
        policies: PolicyCache,
        leadership: Leadership,
        label_keys: LabelKeys,
    ) -> None:
        """Prepares; `label_keys` are those of the operator's labels and annotations."""
        self._leadership = leadership
        self._resources = resources
        self._policies = policies
        self._label_keys = label_keys

    async def write(self, change: Change) -> bool:
        """Makes a change.

        Returns:
            Whether anything was written: not when it was done already, or the namespace is being
            deleted.

        Raises:
            ForeignPolicy: the name is taken by a policy that is not the operator's.
            ApiError: the server did not do it; the subclass says why.
        """
        self._must_lead()
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

    async def others_policy(self, key: PolicyKey) -> OthersPolicy | None:
        """Reads the foreign policy that has this name; None if there is none.

        Raises:
            ApiError: it could not be read.
        """
        try:
            manifest = await self._resources.get(key)
        except NotFound:
            return None
        return None if self._is_ours(key, manifest) else self._others_policy(key, manifest)

    async def take_over(self, policy: Policy, other: OthersPolicy) -> None:
        """Makes a policy that is handed over the operator's, in one write.

        Raises:
            ForeignPolicy: it is not handed over; or it is, but changes all the time, or is gone.
            ApiError: the server did not do it; the subclass says why.
        """
        self._must_lead()
        for _ in range(_ATTEMPTS):
            if not other.handed_over:
                break
            try:
                replaced = await self._resources.replace(policy, other.released)
            except (Conflict, NotFound):
                read = await self.others_policy(policy.key)
                if read is None:
                    break
                other = read
                continue
            self._policies.record_write(replaced, policy.digest)
            return
        raise ForeignPolicy(other)

    def _must_lead(self) -> None:
        if not self._leadership.is_set():
            raise Unavailable(0, "NotLeading", "another replica may lead by now")

    def _is_ours(self, key: PolicyKey, manifest: Mapping[str, Any]) -> bool:
        metadata = manifest["metadata"]
        return (
            is_managed(metadata.get("labels") or {})
            or written_by_us(manifest, self._label_keys.component)
            or metadata["uid"] == self._policies.last_uid(key)
        )

    def _untracked(self, live: LivePolicy) -> LivePolicy:
        return untracked(live, self._label_keys.take_over)

    def _others_policy(self, key: PolicyKey, manifest: Mapping[str, Any]) -> OthersPolicy:
        return read_others_policy(key.kind, manifest, self._label_keys.take_over)

    async def _create(self, policy: Policy) -> bool:
        try:
            self._policies.record_write(await self._resources.create(policy), policy.digest)
        except AlreadyExists:
            return await self._read_again(policy)
        return True

    async def _replace(self, policy: Policy, live: LivePolicy) -> bool:
        try:
            replaced = await self._resources.replace(policy, self._untracked(live))
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
        if not self._is_ours(policy.key, manifest):
            raise ForeignPolicy(self._others_policy(policy.key, manifest))
        live = read_live(policy.key.kind, manifest)
        self._policies.record_write(live, live.digest)
        if in_sync(policy, live):
            return False
        replaced = await self._resources.replace(policy, self._untracked(live))
        self._policies.record_write(replaced, policy.digest)
        return replaced.resource_version != live.resource_version
