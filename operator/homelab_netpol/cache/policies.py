"""The operator's own policies as they stand, by the work key that owns each."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from operator import attrgetter

from homelab_netpol.cache.store import VersionedStore
from homelab_netpol.policy.keys import CLUSTERWIDE, Kind, PolicyKey, WorkKey, owner_of
from homelab_netpol.policy.objects import LivePolicy


class PolicyCache:
    """Policies with our label. The methods that observe return the keys whose policies changed."""

    def __init__(self) -> None:
        self._stores: dict[Kind, VersionedStore[PolicyKey, LivePolicy]] = {
            kind: VersionedStore(attrgetter("version")) for kind in Kind
        }
        self._owned: dict[WorkKey | None, dict[PolicyKey, None]] = {}
        self._last_uids: dict[PolicyKey, str] = {}
        self._completed: dict[PolicyKey, tuple[str, str]] = {}
        # What each baseline that stands and closes the cluster leaves out; each turn asks for it.
        self._spared: dict[PolicyKey, frozenset[str]] = {}

    def __len__(self) -> int:
        """How many policies stand."""
        return sum(map(len, self._stores.values()))

    def get(self, key: PolicyKey) -> LivePolicy | None:
        """A policy as it stands; None when it does not, or is not the operator's."""
        return self._stores[key.kind].get(key)

    def is_newer(self, key: PolicyKey, version: int) -> bool:
        """Whether a state of this resourceVersion is newer than what is known of the policy."""
        return self._stores[key.kind].is_newer(key, version)

    def owned_by(self, owner: WorkKey) -> dict[PolicyKey, LivePolicy]:
        """The policies that a work key owns."""
        found = ((key, self.get(key)) for key in self._owned.get(owner, ()))
        return {key: live for key, live in found if live is not None}

    def all(self) -> Iterable[LivePolicy]:
        """All of them."""
        return (live for store in self._stores.values() for live in store.values())

    def owners(self) -> list[WorkKey]:
        """The work keys that own any of them."""
        return [owner for owner in self._owned if owner is not None]

    def spared(self) -> frozenset[str]:
        """The Namespaces that every baseline which stands and closes the cluster leaves out."""
        lists = self._spared.values()
        return frozenset.intersection(*lists) if lists else frozenset()

    def is_spared(self, namespace: str) -> bool:
        """Baselines that stand close the cluster, and leave a Namespace out."""
        lists = self._spared.values()
        return bool(lists) and all(namespace in spared for spared in lists)

    def is_closed_by_baselines(self, namespace: str) -> bool:
        """A baseline that stands denies to a Namespace's pods what nothing allows."""
        return any(namespace not in spared for spared in self._spared.values())

    def baselines_close(self) -> bool:
        """A baseline that stands switches on default deny for all but the platform."""
        return bool(self._spared)

    def strays(self) -> list[PolicyKey]:
        """Policies with our label and a name that the operator never gives."""
        return list(self._owned.get(None, {}))

    def last_uid(self, key: PolicyKey) -> str | None:
        """The uid of a policy that was last seen to go: deleted, or without our label now."""
        return self._last_uids.get(key)

    def observe(self, live: LivePolicy) -> WorkKey | None:
        """Takes in the state of a policy; None: it is old, or says the same as before."""
        if not self.is_newer(live.key, live.version):
            return None
        known = self.get(live.key)
        kept = self._keep(live)
        return None if known is not None and _says_the_same(known, kept) else owner_of(live.key)

    def forget(self, key: PolicyKey, version: int) -> WorkKey | None:
        """Takes in that a policy was deleted, or no longer carries our label.

        Its owner is returned even if the policy was not known: the answer to its creation may still
        be on its way.
        """
        known = self.get(key)
        if not self._stores[key.kind].delete(key, version):
            return None
        if known is not None:
            self._last_uids[key] = known.uid
        self._completed.pop(key, None)
        self._disown(key)
        return owner_of(key)

    def replace(self, kind: Kind, listed: Iterable[LivePolicy], version: int) -> set[WorkKey]:
        """Takes in a whole list of one kind: what it lacks, and is older than it, is gone."""
        store, seen, changed = self._stores[kind], set(), set()
        for live in listed:
            seen.add(live.key)
            changed.add(self.observe(live))
        changed.update(self.forget(key, version) for key in store.absent_from(seen, version))
        store.expire_tombstones(version)
        self._last_uids = {
            key: uid
            for key, uid in self._last_uids.items()
            if self._stores[key.kind].has_tombstone(key)
        }
        return {owner for owner in changed if owner is not None}

    def record_write(self, live: LivePolicy, sent: str) -> None:
        """Keeps what the server answered to a write, so that the watch shows nothing new.

        The watch may have been faster, and may even have shown that the policy is gone again.

        Args:
            live: the answer.
            sent: the digest of what was sent. The server may have filled in a default, as Cilium's
                CRD does for the family of an ICMP rule; what it then shows counts as what was sent.
        """
        if live.digest != sent:
            self._completed[live.key] = (live.digest, sent)
        known = self.get(live.key)
        unchanged = known is not None and known.resource_version == live.resource_version
        if unchanged or self.is_newer(live.key, live.version):
            self._keep(live)

    def record_delete(self, live: LivePolicy) -> None:
        """Keeps that the server deleted this incarnation, in whatever state it was by then."""
        known = self.get(live.key)
        if known is not None and known.uid != live.uid:
            return
        version = live.version if known is None else max(live.version, known.version)
        self._stores[live.key.kind].delete(live.key, version)
        self._disown(live.key)

    def _keep(self, live: LivePolicy) -> LivePolicy:
        completed, sent = self._completed.get(live.key, ("", ""))
        if live.digest == completed:
            live = dataclasses.replace(live, digest=sent)
        known = self.get(live.key)
        if known is not None and known.rejected and live.rejected and known.digest == live.digest:
            # Of several mistakes Cilium names now one, now another: nothing has changed.
            live = dataclasses.replace(live, rejected=known.rejected)
        self._stores[live.key.kind].put(live.key, live)
        owner = owner_of(live.key)
        self._owned.setdefault(owner, {})[live.key] = None
        self._spared.pop(live.key, None)
        if owner == CLUSTERWIDE and live.spared is not None:
            self._spared[live.key] = live.spared
        return live

    def _disown(self, key: PolicyKey) -> None:
        self._spared.pop(key, None)
        owner = owner_of(key)
        owned = self._owned.get(owner)
        if owned is not None:
            owned.pop(key, None)
            if not owned:
                del self._owned[owner]


def _says_the_same(one: LivePolicy, other: LivePolicy) -> bool:
    return (
        one.uid == other.uid
        and one.digest == other.digest
        and one.labels == other.labels
        and one.annotations == other.annotations
        and one.rejected == other.rejected
    )
