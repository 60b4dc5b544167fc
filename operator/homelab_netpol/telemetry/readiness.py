"""Readiness: why /readyz answers 503, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from homelab_netpol.cluster.lease import Leadership, LeaseElector
from homelab_netpol.reconcile.queue import WorkQueue
from homelab_netpol.telemetry.health import StuckQueue
from homelab_netpol.watch.resync import Resync


class Watch(Protocol):
    """A watch, Kopf's or a reflector's."""

    @property
    def name(self) -> str:
        """Of the collection, its plural."""

    def stale_because(self) -> str | None:
        """Why what it keeps up to date may be outdated; None if it is not."""


class Readiness:
    """Whether this replica does its work, or could at once."""

    def __init__(
        self,
        resync: Resync,
        watches: Sequence[Watch],
        leadership: Leadership,
        elector: LeaseElector | None,
        queue: WorkQueue,
    ) -> None:
        """Prepares; without an elector this is the only replica."""
        self._resync = resync
        self._watches = watches
        self._leadership = leadership
        self._elector = elector
        self._queue = queue
        self._stuck = StuckQueue()

    def not_ready_because(self) -> str | None:
        """Why not; None when it is.

        A standby is ready once the lists are done and the leader is known: its turn may come.
        """
        if self._resync.not_synced is not None:
            return self._resync.not_synced
        for watch in self._watches:
            if (stale := watch.stale_because()) is not None:
                return stale
        if not self._leadership.is_set():
            if self._elector is None:
                return "the leader is not known yet"
            return self._elector.unknown_because
        if not self._queue.first_pass_done:
            return "the first full reconcile is not done yet"
        return self._stuck.because(len(self._queue), self._queue.last_turn)
