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
                state = await self._reader.read()
        except (ApiError, TimeoutError) as error:
            log.debug("Cilium's configuration could not be read yet: %s", error)
            return
        # The first sync requests everything.
        self._triggers.cilium_observed(state)
        self._answered = True
        self._reporter.report(state, self._cache.enforcement())

    async def run(self, seconds: float) -> None:
        """Looks every so many seconds, until it is cancelled; sooner after a request failed."""
        while True:
            await asyncio.sleep(seconds if self._answered else min(seconds, _RETRY_SECONDS))
            try:
                state = await self._reader.read()
            except ApiError as error:
                self._answered = False
                log.debug("Cilium's configuration could not be read: %s", error)
                continue
            self._answered = True
            self._queue.enqueue(self._triggers.cilium_observed(state))
            self._reporter.report(state, self._cache.enforcement())
