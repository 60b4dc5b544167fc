"""Leader election by a Lease: one replica writes, the others wait.

Whether another holder is still alive is judged by how long its Lease has not changed on our own
monotonic clock, never by comparing the times written in it: clocks of nodes differ.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Self

from homelab_netpol.cluster.client import Api
from homelab_netpol.cluster.errors import AlreadyExists, ApiError, Conflict, NotFound

log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.5


class LeadershipLost(Exception):
    """The Lease could not be renewed in time, so another replica may be writing by now."""


class Leadership:
    """Whether this replica leads: it holds the Lease, and no other replica can have taken it yet.

    It lapses by the clock alone: after a pause of the whole process a worker may wake up before the
    elector does, and must not write.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until = -math.inf
        self._renewed = asyncio.Event()

    @classmethod
    def always(cls) -> Self:
        """Leads from the beginning and for ever: for an operator without leader election."""
        leadership = cls()
        leadership.renew(math.inf)
        return leadership

    def is_set(self) -> bool:
        """This replica leads now, and may write."""
        return self._clock() < self._until

    async def wait(self) -> None:
        """Waits until this replica leads; after a lapse, until the Lease was renewed."""
        while not self.is_set():
            self._renewed.clear()
            await self._renewed.wait()

    def renew(self, until: float) -> None:
        """Leads from now on, up to this moment of the clock."""
        self._until = until
        self._renewed.set()

    def lose(self) -> None:
        """Does not lead from now on, however long the last renewal was for."""
        self._until = -math.inf


class LeaseElector:
    """Takes a Lease, renews it, and gives it back; `leadership` follows, on the monotonic clock.

    The identity is this replica's, different from all others. An unchanged Lease is free after
    `duration` seconds.
    """

    def __init__(
        self,
        api: Api,
        leadership: Leadership,
        *,
        namespace: str,
        name: str,
        identity: str,
        duration: float,
    ) -> None:
        self._api = api
        self._leadership = leadership
        self._collection = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._path = f"{self._collection}/{name}"
        self._name = name
        self._namespace = namespace
        self._identity = identity
        self._duration = duration
        # A leader gives up while there is a third of the Lease left, so before another takes over.
        self._good_for = duration * 2 / 3
        self._renewed_at = 0.0
        self._observed: tuple[str, str] | None = None
        self._observed_at = 0.0
        self._observed_duration = duration
        # Still true when leadership has lapsed and that is not noticed yet.
        self._holds = False
        self._leader_known = False
        self._trouble = ""

    @property
    def unknown_because(self) -> str | None:
        """Why it is not known which replica leads; None when it is."""
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
            # An answer that comes after the leader must have given up is of no use to it.
            remaining = max(self._renewed_at + self._good_for - asked_at, 0.0)
            renewed = await self._try_within(remaining if self._holds else None)
            unrenewed_seconds = time.monotonic() - self._renewed_at
            if renewed:
                # Counted from before the request: the server may have stored it that early.
                self._renewed_at = asked_at
                self._leadership.renew(asked_at + self._good_for)
                if not self._holds:
                    log.info("This replica leads now, as %s.", self._identity)
                    self._holds = True
            elif self._holds and unrenewed_seconds >= self._good_for:
                self._stand_down()
                raise LeadershipLost(
                    f"the Lease {self._namespace}/{self._name} could not be renewed for"
                    f" {unrenewed_seconds:.1f} s; another replica may lead by now"
                )
            await asyncio.sleep(self._duration / 5 if renewed else self._until_next_look())

    async def release(self) -> None:
        """Gives the Lease back, so that another replica need not wait for it to expire."""
        if not self._holds:
            return
        self._stand_down()
        try:
            lease = await self._api.request("GET", self._path)
            if lease["spec"].get("holderIdentity") == self._identity:
                lease["spec"] |= {"holderIdentity": "", "leaseDurationSeconds": 1}
                await self._api.request("PUT", self._path, body=lease)
        except ApiError as error:
            log.warning("The Lease could not be released and will expire: %s", error)

    def _stand_down(self) -> None:
        self._holds = False
        self._leadership.lose()

    async def _try_within(self, seconds: float | None) -> bool:
        """Tries to take or renew the Lease; the log names a failure when it begins and ends."""
        try:
            async with asyncio.timeout(seconds):
                renewed = await self._try()
        except (ApiError, TimeoutError) as error:
            # `str`: a TimeoutError has no words of its own.
            why = str(error) or "no answer"
            trouble = f"the Lease {self._namespace}/{self._name} cannot be held: {why}"
            if trouble != self._trouble:  # it is tried twice a second
                log.warning("The Lease could not be read or written: %s", why)
            self._trouble = trouble
            return False
        if self._trouble:
            log.info("The Lease can be read and written again.")
        self._trouble = ""
        return renewed

    def _until_next_look(self) -> float:
        """A standby notices soon that the Lease was renewed or released, at once that it is over.

        So another replica leads within the Lease's duration and half a second after the last sign.
        """
        look = min(_LOOK_SECONDS, self._duration / 5)
        if self._trouble:
            return look
        expires = self._observed_at + self._observed_duration - time.monotonic()
        return min(look, max(expires, 0.05))

    async def _try(self) -> bool:
        try:
            lease = await self._api.request("GET", self._path)
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
            await self._api.request("PUT", self._path, body=lease)
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
