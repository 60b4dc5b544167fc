"""Leader election by a Lease: one replica writes, the others wait.

Whether another holder is still alive is judged by how long its Lease has not changed on our own
monotonic clock, never by comparing the times written in it: clocks of nodes differ.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from datetime import UTC, datetime
from typing import Any

from homelab_netpol.cluster.client import Api
from homelab_netpol.cluster.errors import AlreadyExists, ApiError, Conflict, NotFound

log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.5


class LeadershipLost(Exception):
    """The Lease could not be renewed in time, so somebody else may be writing by now."""


class Leadership(asyncio.Event):
    """Set while this replica leads.

    It is over in time even if nobody could clear it: after a pause of the whole process, whoever is
    about to write may wake up before whoever renews the Lease.

    Attributes:
        until: monotonic time after which it no longer counts.
    """

    def __init__(self) -> None:
        super().__init__()
        self.until = math.inf

    def is_set(self) -> bool:
        """This replica leads now."""
        return super().is_set() and time.monotonic() < self.until


class LeaseElector:
    """Takes a Lease, keeps it, and gives it back."""

    def __init__(
        self, api: Api, *, namespace: str, name: str, identity: str, duration: float
    ) -> None:
        """Prepares an election.

        Args:
            api: the API server.
            namespace: of the Lease.
            name: of the Lease.
            identity: of this replica, different from all others.
            duration: seconds after which an unchanged Lease is free.
        """
        self._api = api
        self._collection = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._name = name
        self._namespace = namespace
        self._identity = identity
        self._duration = duration
        self._renewed_at = 0.0
        self._observed: tuple[str, str] | None = None
        self._observed_at = 0.0
        self._observed_duration = duration
        self._leads = False
        self._trouble = ""
        self.leading = Leadership()
        self._leader_known = False

    @property
    def unknown_because(self) -> str | None:
        """Why nobody can tell who leads; None when it is known."""
        if self._leader_known:
            return None
        why = f": {self._trouble}" if self._trouble else " yet"
        return f"the leader is not known{why}"

    async def run(self) -> None:
        """Runs until leadership is lost.

        Raises:
            LeadershipLost: it was ours and could not be renewed in time.
        """
        while True:
            asked_at = time.monotonic()
            # A leader must have given up before another may take over, so it does not wait for an
            # answer longer than its Lease is good for.
            patience = self._renewed_at + self._duration * 2 / 3 - asked_at
            try:
                async with asyncio.timeout(max(patience, 0.0) if self._leads else None):
                    held = await self._try()
            except (ApiError, TimeoutError) as error:
                # `str`: a TimeoutError has no words of its own.
                why = str(error) or "no answer"
                trouble = f"the Lease {self._namespace}/{self._name} cannot be held: {why}"
                if trouble != self._trouble:  # it is tried twice a second, and told once
                    log.warning("The Lease could not be read or written: %s", why)
                self._trouble = trouble
                held = False
            else:
                if self._trouble:
                    log.info("The Lease can be read and written again.")
                self._trouble = ""
            now = time.monotonic()
            if held:
                # Counted from before the request: the server may have stored it that early.
                self._renewed_at = asked_at
                self.leading.until = asked_at + self._duration * 2 / 3
                if not self._leads:
                    log.info("This replica leads now, as %s.", self._identity)
                    self._leads = True
                    self.leading.set()
            elif self._leads and now >= self._renewed_at + self._duration * 2 / 3:
                self._leads = False
                self.leading.clear()
                raise LeadershipLost(
                    f"the Lease {self._namespace}/{self._name} could not be renewed for"
                    f" {now - self._renewed_at:.1f} s; another replica may lead by now"
                )
            await asyncio.sleep(self._duration / 5 if held else self._until_next_look())

    def _until_next_look(self) -> float:
        """A standby notices soon that the Lease was renewed or released, at once that it is over.

        So another replica leads within the Lease's duration and half a second after the last sign.
        """
        look = min(_LOOK_SECONDS, self._duration / 5)
        if self._trouble:
            return look
        expires = self._observed_at + self._observed_duration - time.monotonic()
        return min(look, max(expires, 0.05))

    async def release(self) -> None:
        """Gives the Lease back, so that another replica need not wait for it to expire."""
        if not self._leads:
            return
        self._leads = False
        self.leading.clear()
        try:
            lease = await self._api.request("GET", f"{self._collection}/{self._name}")
            if lease["spec"].get("holderIdentity") == self._identity:
                lease["spec"] |= {"holderIdentity": "", "leaseDurationSeconds": 1}
                await self._api.request("PUT", f"{self._collection}/{self._name}", body=lease)
        except ApiError as error:
            log.warning("The Lease could not be released and will expire: %s", error)

    async def _try(self) -> bool:
        try:
            lease = await self._api.request("GET", f"{self._collection}/{self._name}")
        except NotFound:
            return await self._create()
        spec = lease.get("spec") or {}
        holder = spec.get("holderIdentity") or ""
        self._leader_known = bool(holder)
        seen = (holder, lease["metadata"]["resourceVersion"])
        now = time.monotonic()
        if seen != self._observed:
            self._observed, self._observed_at = seen, now
        self._observed_duration = float(spec.get("leaseDurationSeconds") or self._duration)
        alive = now - self._observed_at < self._observed_duration
        if holder not in ("", self._identity) and alive:
            return False
        lease["spec"] = self._spec(
            acquired=spec.get("acquireTime") if holder == self._identity else None,
            transitions=int(spec.get("leaseTransitions") or 0) + (holder != self._identity),
        )
        try:
            await self._api.request("PUT", f"{self._collection}/{self._name}", body=lease)
        except Conflict:
            return False
        return True

    async def _create(self) -> bool:
        body = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self._name, "namespace": self._namespace},
            "spec": self._spec(acquired=None, transitions=0),
        }
        try:
            await self._api.request("POST", self._collection, body=body)
        except AlreadyExists:
            return False
        return True

    def _spec(self, *, acquired: str | None, transitions: int) -> dict[str, Any]:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": int(self._duration),
            "acquireTime": acquired or now,
            "renewTime": now,
            "leaseTransitions": transitions,
        }
