"""Hands keys from the queue to workers, and gives back to the queue what failed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping
from typing import Any

from homelab_netpol.cluster.lease import Leadership
from homelab_netpol.policy.keys import Scope, WorkKey
from homelab_netpol.reconcile.queue import Priority, Work, WorkQueue
from homelab_netpol.reconcile.reconciler import ReconcileError, Reconciler, Requeue
from homelab_netpol.reconcile.requests import Requests
from homelab_netpol.reconcile.view import ClusterView
from homelab_netpol.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

# A burst of grants changes a shared resource's list of consumers many times; once in this time is
# enough, and a single grant does not wait.
_SHARED_INTERVAL_SECONDS = 0.1
# Who counts the users of a profile may read an older count for a moment.
_STATUS_INTERVAL_SECONDS = 1.0
_QUIET_SECONDS = 0.2
_REQUEUE_SECONDS = 0.02


class Workers:
    """The queue with its workers."""

    def __init__(self, view: ClusterView, metrics: Metrics) -> None:
        self._view = view
        self._metrics = metrics
        self._queue = WorkQueue()
        self._first_pass: set[WorkKey] = set()
        self._shared_last: dict[WorkKey, float] = {}
        self._status_last: dict[WorkKey, float] = {}
        self._last_work = 0.0
        self._closed = False
        self._finished = asyncio.Event()
        # Counters that begin at zero: a rate does not see the first of what was not there before.
        for scope in Scope:
            for result in ("written", "unchanged", "failed", "error"):
                metrics.reconciles.labels(scope, result)

    def __len__(self) -> int:
        """How many keys wait for their turn."""
        return len(self._queue)

    def is_pending(self, key: WorkKey) -> bool:
        """A key waits for its turn, or is being worked on."""
        return self._queue.is_pending(key)

    @property
    def last_turn(self) -> float:
        """When the last turn of a key ended, in monotonic time."""
        return self._last_work

    @property
    def failures(self) -> Mapping[WorkKey, int]:
        """The keys that failed at their last turn, and how often in a row."""
        return self._queue.failures

    def snapshot(self) -> dict[str, Any]:
        """Describes the queue for JSON."""
        return self._queue.snapshot()

    @property
    def first_pass_done(self) -> bool:
        """All keys of the first list have been looked at once, whether or not that went well."""
        return not self._first_pass

    def begin(self, requests: Requests) -> None:
        """Enqueues the keys of the first list."""
        self._first_pass = set(requests)
        self.enqueue(requests)

    def enqueue(self, requests: Requests) -> None:
        """Asks for keys to be looked at."""
        now = time.monotonic()
        for key, priority in requests.items():
            if key.scope in (Scope.TARGET, Scope.GATEWAY):
                wait = self._shared_last.get(key, 0.0) + _SHARED_INTERVAL_SECONDS - now
                if wait > 0:
                    self._queue.coalesce(key, priority, wait)
                    continue
            delay = 0.0
            if priority is Priority.STATUS:
                delay = max(0.0, self._status_last.get(key, 0.0) + _STATUS_INTERVAL_SECONDS - now)
            self._queue.add(key, priority, delay=delay)

    def is_busy(self) -> bool:
        """Policies are being written, or were a moment ago: in a burst more will follow at once."""
        return not self._queue.idle or time.monotonic() - self._last_work < _QUIET_SECONDS

    async def work(
        self, reconciler: Reconciler, leading: Leadership, informed: asyncio.Event
    ) -> None:
        """Works on one key after the other, until told to stop.

        Args:
            reconciler: does the work.
            leading: set while this replica leads; else it only waits.
            informed: set while labels are known as they are now. What they said a while ago is not
                acted upon: they may have been narrowed since.
        """
        while not self._closed:
            await leading.wait()
            work = await self._queue.get()
            await informed.wait()
            if leading.is_set() and not self._closed:
                await self._work_on(work, reconciler)
            else:
                self._queue.retry(work.key)
            if self._closed and not self._queue.working:
                self._finished.set()

    async def finish(self, seconds: float) -> None:
        """Begins nothing new from now on, and waits so long at the most for what was begun."""
        self._closed = True
        if self._queue.working:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._finished.wait(), seconds)

    async def _work_on(self, work: Work, reconciler: Reconciler) -> None:
        key, metrics = work.key, self._metrics
        started = time.monotonic()
        if key.scope in (Scope.TARGET, Scope.GATEWAY):
            self._shared_last[key] = started
        elif key.scope in (Scope.PROFILE_STATUS, Scope.RESOURCE_STATUS):
            self._status_last[key] = started
        if key.scope is Scope.NAMESPACE:
            self.enqueue(self._view.refresh(key.name))
        try:
            written = await reconciler.reconcile(key)
        except Requeue:
            self._queue.done(key)
            self._queue.add(key, Priority.CHANGE, delay=_REQUEUE_SECONDS)
            return
        except ReconcileError as error:
            pause = self._queue.retry(key, at_least=error.retry_after)
            metrics.reconciles.labels(key.scope, "failed").inc()
            log.warning(
                "Not done, again in %.1f s: %s",
                pause,
                error,
                extra=_about(key, "NotDone", started),
            )
        except Exception:
            # A mistake of ours in one namespace must not stop the others.
            pause = self._queue.retry(key)
            metrics.reconciles.labels(key.scope, "error").inc()
            extra = _about(key, "Error", started)
            log.exception("%s failed, again in %.1f s", key, pause, extra=extra)
        else:
            self._queue.done(key)
            metrics.reconciles.labels(key.scope, "written" if written else "unchanged").inc()
            if written:
                extra = _about(key, "Reconciled", started)
                log.info("Written for %s: %d.", _named(key), written, extra=extra)
            if written and key.scope is Scope.NAMESPACE:
                metrics.label_to_policy.observe(time.monotonic() - work.since)
        self._last_work = time.monotonic()
        metrics.reconcile_seconds.labels(key.scope).observe(self._last_work - started)
        if self._first_pass:
            self._first_pass.discard(key)
            if not self._first_pass:
                log.info("Ready: the first full reconcile is done.")


def _named(key: WorkKey) -> str:
    return f"{key.scope} {key.name}".rstrip()


def _about(key: WorkKey, reason: str, started: float) -> dict[str, object]:
    """What a line of the log says beside its text."""
    seconds = round(time.monotonic() - started, 3)
    namespace = key.name if key.scope is Scope.NAMESPACE else ""
    return {"namespace": namespace, "reason": reason, "seconds": seconds}
