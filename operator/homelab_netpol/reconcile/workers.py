"""Workers: take keys from the queue, have them reconciled, and give back what failed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time

from homelab_netpol.cluster.lease import Leadership
from homelab_netpol.policy.keys import Scope, WorkKey
from homelab_netpol.reconcile.change_applier import ReconcileError, Requeue
from homelab_netpol.reconcile.queue import Work, WorkQueue
from homelab_netpol.reconcile.reconciler import Reconciler
from homelab_netpol.reconcile.triggers import Triggers
from homelab_netpol.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

_REQUEUE_SECONDS = 0.02


class Workers:
    """Any number of tasks that work on the same queue."""

    def __init__(
        self,
        queue: WorkQueue,
        reconciler: Reconciler,
        triggers: Triggers,
        leadership: Leadership,
        labels_current: asyncio.Event,
        metrics: Metrics,
    ) -> None:
        """Prepares; `run` is one worker.

        Args:
            queue: what is to be reconciled.
            reconciler: does it.
            triggers: reads an intent again that depends on what was last good.
            leadership: while another replica leads, workers wait.
            labels_current: cleared while labels may have changed unseen: what they said before is
                not acted upon, as they may have been narrowed since (decision 13).
            metrics: counts.
        """
        self._queue = queue
        self._reconciler = reconciler
        self._triggers = triggers
        self._leadership = leadership
        self._labels_current = labels_current
        self._metrics = metrics
        self._closed = False
        self._finished = asyncio.Event()

    async def run(self) -> None:
        """Works on one key after the other, until `finish`."""
        while not self._closed:
            await self._leadership.wait()
            await self._labels_current.wait()
            work = await self._queue.get()
            # While it waited for a key, either may have ended.
            if self._closed or not self._leadership.is_set() or not self._labels_current.is_set():
                self._queue.put_back(work)
            else:
                await self._work_on(work)
            if self._closed and not self._queue.working:
                self._finished.set()

    async def finish(self, seconds: float) -> None:
        """Begins nothing new from now on, and waits so long at the most for what was begun."""
        self._closed = True
        if self._queue.working:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._finished.wait()

    async def _work_on(self, work: Work) -> None:
        key, queue, metrics = work.key, self._queue, self._metrics
        started = time.monotonic()
        if key.scope is Scope.NAMESPACE:
            queue.enqueue(self._triggers.last_good_changed(key.name))
        try:
            written = await self._reconciler.reconcile(key)
        except Requeue:
            queue.put_back(work, _REQUEUE_SECONDS)
            return
        except ReconcileError as error:
            pause = queue.retry(key, at_least=error.retry_after)
            metrics.reconciles.labels(key.scope, "failed").inc()
            extra = _about(key, "NotDone", started)
            log.warning("Not done, again in %.1f s: %s", pause, error, extra=extra)
        except Exception:
            # A mistake of ours in one namespace must not stop the others.
            pause = queue.retry(key)
            metrics.reconciles.labels(key.scope, "error").inc()
            extra = _about(key, "Error", started)
            log.exception("%s failed, again in %.1f s", key, pause, extra=extra)
        else:
            queue.done(key)
            metrics.reconciles.labels(key.scope, "written" if written else "unchanged").inc()
            if written:
                extra = _about(key, "Reconciled", started)
                name = f"{key.scope} {key.name}".rstrip()
                log.info("Written for %s: %d.", name, written, extra=extra)
            if written and key.scope is Scope.NAMESPACE:
                metrics.label_to_policy.observe(time.monotonic() - work.since)
        metrics.reconcile_seconds.labels(key.scope).observe(time.monotonic() - started)


def _about(key: WorkKey, reason: str, started: float) -> dict[str, object]:
    """What a line of the log says beside its text."""
    seconds = round(time.monotonic() - started, 3)
    namespace = key.name if key.scope is Scope.NAMESPACE else ""
    return {"namespace": namespace, "reason": reason, "seconds": seconds}
