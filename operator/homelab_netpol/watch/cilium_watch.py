"""Looks at Cilium's configuration and agents: at the start, and as often as at what others wrote.

Not a watch of the API server's, for which a larger right would be needed: one ConfigMap is read
again and again. Every replica does, so that the one that takes over knows.
"""

from __future__ import annotations

import asyncio
import logging

from homelab_netpol.cache.cluster import ClusterCache
from homelab_netpol.cluster.cilium_config import CiliumReader
from homelab_netpol.cluster.errors import ApiError
from homelab_netpol.reconcile.queue import WorkQueue
from homelab_netpol.reconcile.requests import Requests
from homelab_netpol.reconcile.triggers import Triggers
from homelab_netpol.reporting.enforcement import EnforcementReporter

log = logging.getLogger(__name__)

# The policies must not wait for this; what the default filter says holds until it is known.
_FIRST_SECONDS = 3.0
_RETRY_SECONDS = 2.0


class CiliumWatch:
    """Keeps what is known of Cilium up to date."""

    def __init__(
        self,
        reader: CiliumReader,
        cache: ClusterCache,
        triggers: Triggers,
        queue: WorkQueue,
        reporter: EnforcementReporter,
    ) -> None:
        self._reader = reader
        self._cache = cache
        self._triggers = triggers
        self._queue = queue
        self._reporter = reporter
        self._answered = False

    async def first(self) -> None:
        """Looks once before anything is listed, for some seconds at most."""
        try:
            async with asyncio.timeout(_FIRST_SECONDS):
                # What must be reconciled for it the first sync requests anyway.
                await self._look()
        except TimeoutError:
            log.info("Cilium's configuration could not be read yet: no answer")

    async def run(self, seconds: float) -> None:
        """Looks every so many seconds, until it is cancelled; sooner after a request failed."""
        while True:
            await asyncio.sleep(seconds if self._answered else min(seconds, _RETRY_SECONDS))
            self._queue.enqueue(await self._look())

    async def _look(self) -> Requests:
        self._answered = False
        try:
            state = await self._reader.read()
            requests = self._triggers.cilium_observed(state)
            self._reporter.report(state, self._cache.enforcement())
        except ApiError as error:
            # What was known last still counts.
            log.debug("Cilium's configuration could not be read: %s", error)
            return {}
        except Exception:
            # What stands there may be anything; it must not keep us from our own work.
            log.exception("Cilium's configuration could not be looked at")
            requests = {}
        self._answered = True
        return requests
