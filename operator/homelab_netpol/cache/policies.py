"""The policies with our label as they stand, as far as watches, lists and our own writes tell.

A resourceVersion older than what is known changes nothing: Kubernetes orders them within one
cluster, and news may arrive in any order.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from homelab_netpol.policy.keys import (
    Kind,
    PolicyKey,
    WorkKey,
    owner_of,
)
from homelab_netpol.policy.objects import LivePolicy


class PolicyCache:
    """Policies by whoever answers for them. Methods that take news return whom it concerns."""

    def __init__(self) -> None:
        self._policies: dict[WorkKey | None, dict[PolicyKey, LivePolicy]] = {}
        self._deleted: dict[PolicyKey, int] = {}
        self._last_uids: dict[PolicyKey, str] = {}
        self._completed: dict[PolicyKey, tuple[str, str]] = {}

    def last_uid(self, key: PolicyKey) -> str | None:
        """The uid of a policy that is gone from our sight: deleted, or without our label now."""
        return self._last_uids.get(key)

    def get(self, key: PolicyKey) -> LivePolicy | None:
        """A policy as it stands, as far as we know."""
        return self._policies.get(owner_of(key), {}).get(key)

    def of(self, owner: WorkKey) -> dict[PolicyKey, LivePolicy]:
        """The policies that a key answers for."""
        return dict(self._policies.get(owner, {}))

    def all(self) -> Iterable[LivePolicy]:
        """All of them."""
        return (live for found in self._policies.values() for live in found.values())

    def owners(self) -> list[WorkKey]:
        """The keys that answer for any of them."""
        return [owner for owner in self._policies if owner is not None]

    def strays(self) -> list[PolicyKey]:
        """Policies with our label and a name that the operator never gives."""
        return list(self._policies.get(None, {}))

    def observe(self, live: LivePolicy) -> WorkKey | None:
        """Takes in a policy that was added or changed, by us or by anybody."""
        known = self.get(live.key)
        if not self._is_news(live):
            return None
        self._keep(live)
        now = self.get(live.key)
        same = known is not None and now is not None and _says_the_same(known, now)
        return None if same else owner_of(live.key)

    def forget(self, key: PolicyKey, version: int) -> WorkKey | None:
        """Takes in that a policy is gone, or no longer carries our label.

        Told even of a policy that is not known: the answer to its creation may be on its way.
        """
        if self._deleted.get(key, 0) >= version:
            return None
        self._deleted[key] = version
        known = self.get(key)
        if known is not None and int(known.resource_version) > version:
            return None
        if known is not None:
            self._last_uids[key] = known.uid
        self._completed.pop(key, None)
        self._drop(key)
        return owner_of(key)

    def replace(self, kind: Kind, listed: Iterable[LivePolicy], version: int) -> set[WorkKey]:
        """Takes in a whole list of one kind: what it lacks, and we know from before it, is gone."""
        concerned = set()
        seen = set()
        for live in listed:
            seen.add(live.key)
            concerned.add(self.observe(live))
        gone = [
            live.key
            for live in self.all()
            if live.key.kind is kind
            and live.key not in seen
            and int(live.resource_version) <= version
        ]
        concerned.update(self.forget(key, version) for key in gone)
        self._deleted = {
            key: deleted
            for key, deleted in self._deleted.items()
            if deleted > version or key.kind is not kind
        }
        self._last_uids = {key: u for key, u in self._last_uids.items() if key in self._deleted}
        return {owner for owner in concerned if owner is not None}

    def record_write(self, live: LivePolicy, sent: str) -> None:
        """Keeps what the server answered to a write, so that the watch brings nothing new.

        The watch may have been faster, and may even have told that the policy is gone again.

        Args:
            live: the answer.
            sent: the digest of what was sent. The server may have filled in a default, as Cilium's
                CRD does for the family of an ICMP rule; what it then shows counts as what was sent.
        """
        if live.digest != sent:
            self._completed[live.key] = (live.digest, sent)
        known = self.get(live.key)
        unchanged = known is not None and known.resource_version == live.resource_version
        if unchanged or self._is_news(live):
            self._keep(live)

    def record_delete(self, live: LivePolicy) -> None:
        """Keeps that a delete was carried out."""
        self._deleted[live.key] = max(int(live.resource_version), self._deleted.get(live.key, 0))
        self._drop(live.key)

    def _is_news(self, live: LivePolicy) -> bool:
        known = self.get(live.key)
        version = int(live.resource_version)
        if known is not None and int(known.resource_version) >= version:
            return False
        return self._deleted.get(live.key, 0) < version

    def _keep(self, live: LivePolicy) -> None:
        completed, sent = self._completed.get(live.key, ("", ""))
        if live.digest == completed:
            live = dataclasses.replace(live, digest=sent)
        known = self.get(live.key)
        if known is not None and known.rejected and live.rejected and known.digest == live.digest:
            # Of several mistakes Cilium names now one, now another: nothing has changed.
            live = dataclasses.replace(live, rejected=known.rejected)
        self._policies.setdefault(owner_of(live.key), {})[live.key] = live

    def _drop(self, key: PolicyKey) -> None:
        owner = owner_of(key)
        found = self._policies.get(owner)
        if found is not None:
            found.pop(key, None)
            if not found:
                del self._policies[owner]


def _says_the_same(one: LivePolicy, other: LivePolicy) -> bool:
    return (
        one.uid == other.uid
        and one.digest == other.digest
        and one.labels == other.labels
        and one.annotations == other.annotations
        and one.rejected == other.rejected
    )
