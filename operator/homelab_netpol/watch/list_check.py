"""Lists beside Kopf's watches: finds what they have not delivered, and when labels may be old.

Every half minute what Kopf watches is listed and compared with the caches; what is newer is taken
in from the list. After an interruption (a request that was not answered, a reflector's watch that
was lost) labels may have changed unseen: until a list has succeeded that began afterwards, nothing
is written (decision 13). Where lists fail, a change that Kopf's watch delivers shows as well that
it is alive.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping
from typing import NoReturn

from homelab_netpol.cluster.errors import ApiError, NotFound
from homelab_netpol.definitions import DefinitionKind
from homelab_netpol.reconcile.queue import WorkQueue
from homelab_netpol.reconcile.triggers import Triggers
from homelab_netpol.watch.kopf_watch import KopfWatch
from homelab_netpol.watch.watched_lists import WatchedLists

log = logging.getLogger(__name__)

# While a watch may be behind, or was interrupted so short a time ago that Kopf may still be opening
# it again, changes are looked for at this interval.
_FAST_SECONDS = 1.0
_RECOVERY_SECONDS = 15.0
# Among thousands of changes at once, events take seconds.
_BUSY_SECONDS = 5.0
# A list of thousands takes part of a second; it must not become the server's main work.
_SHARE_OF_TIME = 0.2
# What was sent before an interruption has been handled by then.
_IN_FLIGHT_SECONDS = 0.2
_RETRY_SECONDS = (0.1, 0.2, 0.5, 1.0)


class ListCheck:
    """Compares lists with Kopf's watches, and decides whether labels are current."""

    def __init__(
        self,
        lists: WatchedLists,
        watches: Mapping[str, KopfWatch],
        triggers: Triggers,
        queue: WorkQueue,
        labels_current: asyncio.Event,
    ) -> None:
        """Prepares; `labels_current` is cleared from an interruption to the next list."""
        self._lists = lists
        self._watches = watches
        self._triggers = triggers
        self._queue = queue
        self._labels_current = labels_current
        self._interruptions = 0
        self._interrupted_at = float("-inf")
        self._due = asyncio.Event()
        self._failures = 0
        self._trouble = ""

    def interrupted(self) -> None:
        """From now on labels may have changed unseen; they are listed at once."""
        self._interruptions += 1
        self._interrupted_at = time.monotonic()
        self._labels_current.clear()
        self._due.set()

    async def run(self, interval: float) -> NoReturn:
        """Compares every so many seconds, sooner after an interruption, until cancelled.

        Raises:
            WatchBehind: a watch stays behind.
        """
        wait = interval
        while True:
            await self._wait(wait)
            began = time.monotonic()
            try:
                await self._check()
            except ApiError as error:
                if self._watch_is_alive():
                    self._labels_current.set()
                wait = max(self._pause(), error.retry_after or 0.0)
                if self._trouble != str(error):
                    self._trouble = str(error)
                    log.warning("What Kopf watches could not be listed: %s", error)
                continue
            self._failures, self._trouble = 0, ""
            for watch in self._watches.values():
                watch.check()
            took = time.monotonic() - began
            wait = max(_FAST_SECONDS, took / _SHARE_OF_TIME) if self._in_doubt() else interval

    async def _wait(self, seconds: float) -> None:
        """Waits, or until an interruption; after a failure its pause is kept in any case."""
        if self._failures:
            await asyncio.sleep(seconds)
        else:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._due.wait()
        self._due.clear()

    def _pause(self) -> float:
        pause = _RETRY_SECONDS[min(self._failures, len(_RETRY_SECONDS) - 1)]
        self._failures += 1
        return pause

    def _watch_is_alive(self) -> bool:
        """Kopf's watch has delivered a change of a Namespace since the last interruption."""
        heard_at = self._watches["namespaces"].heard_at
        return heard_at > self._interrupted_at + _IN_FLIGHT_SECONDS

    def _in_doubt(self) -> bool:
        recent = time.monotonic() - self._interrupted_at < _RECOVERY_SECONDS
        behind = max(watch.behind_seconds for watch in self._watches.values())
        return recent or behind > _BUSY_SECONDS

    async def _check(self) -> None:
        interruptions = self._interruptions
        listed = await self._lists.namespaces()
        self._queue.enqueue(self._triggers.namespaces_listed(*listed))
        if interruptions == self._interruptions:
            self._labels_current.set()
        for kind in DefinitionKind:
            # That a CRD is not installed, the resync says.
            with contextlib.suppress(NotFound):
                definitions = await self._lists.definitions(kind)
                self._queue.enqueue(self._triggers.definitions_listed(kind, *definitions))
