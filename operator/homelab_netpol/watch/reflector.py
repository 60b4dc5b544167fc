"""Reflector: keeps a cache of one collection up to date by a list, and a watch from there on.

A watch that ends is opened again where it was; where that is no longer possible, the collection is
listed again. `stale_because` reports a possibly outdated cache.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import NoReturn

from homelab_netpol.cluster.errors import ApiError, Expired, Forbidden, NotFound
from homelab_netpol.cluster.watch import SILENCE_SECONDS, WatchBatch, WatchEvent
from homelab_netpol.reconcile.backoff import spread

log = logging.getLogger(__name__)

_FIRST_PAUSE_SECONDS = 0.1
_LAST_PAUSE_SECONDS = 5.0
_DOWN_SECONDS = 10.0
_GOOD_SECONDS = 5.0
# How often a kind that need not be installed is looked for.
_ABSENT_SECONDS = 15.0
# The server that opened the watch is there, though it may have cut it off at once: ask soon.
_FAILURES_WITH_AN_ANSWER = 3
# After so many failures in a row it may be the resourceVersion that the server cannot go on from.
_FAILURES_TO_LIST = 5
_NOT_THE_VERSION = (401, 403, 429)


class HistoryWentBack(Exception):
    """The cluster is older than the cache, as after a backup was restored."""


class Reflector:
    """Lists and watches one collection.

    Attributes:
        name: of the collection, its plural.
        version: the resourceVersion up to which the cache is complete.
    """

    def __init__(
        self,
        name: str,
        *,
        watch: Callable[[int], AsyncIterator[WatchBatch]],
        handle: Callable[[Iterable[WatchEvent]], None],
        relist: Callable[[bool], Awaitable[int]],
        interrupted: Callable[[], None],
        optional: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepares; `run` does it.

        Args:
            name: of the collection, its plural.
            watch: watches from a resourceVersion on.
            handle: handles events. Must neither fail nor wait.
            relist: lists the collection into the cache; is passed whether the kind was not
                installed before, and returns the resourceVersion of the list.
            interrupted: is called whenever the watch was lost.
            optional: the kind need not be installed, or readable; then it is looked for now and
                then.
            clock: monotonic time.
        """
        self.name = name
        self.version = 0
        self._listed = False
        self._watch = watch
        self._handle = handle
        self._relist = relist
        self._interrupted = interrupted
        self._optional = optional
        self._absent = False
        self._clock = clock
        self._failures = 0
        self._trouble = ""
        self._heard_at = clock()
        self._opened_at: float | None = None
        # The last watch sent nothing at all, so that another one's opening is no sign of life.
        self._mute = False

    @property
    def silent_seconds(self) -> float:
        """Since when the server has sent nothing, not even a bookmark; 0 if the kind is absent."""
        return 0.0 if self._absent else self._clock() - self._heard_at

    def stale_because(self) -> str | None:
        """Why the cache may be outdated; None if it is not."""
        silent = self.silent_seconds
        if self._opened_at is None and silent > _DOWN_SECONDS:
            cause = self._trouble or "it has not been opened yet"
            return f"the watch of {self.name} has been down for {silent:.0f} s: {cause}"
        if silent > SILENCE_SECONDS:
            return f"the watch of {self.name} is stale: nothing was heard for {silent:.0f} s"
        return None

    async def run(self, since: int | None) -> NoReturn:
        """Lists and watches until cancelled.

        Args:
            since: the resourceVersion of the list that is in the cache; None: the kind was absent.

        Raises:
            HistoryWentBack: nothing that is cached can be trusted any more.
        """
        self.version = since or 0
        self._heard_at = self._clock()
        self._listed = True
        error: ApiError | None = None
        if since is None:
            error = NotFound(404, "NotFound", f"{self.name} is not installed")
            await self._recover(error)
        while True:
            try:
                if self._must_list(error):
                    await self._list_again(away=isinstance(error, NotFound | Forbidden))
                error = None
                await self._follow()
            except ApiError as problem:
                error = problem
            await self._recover(error)
            self._listed = False

    async def _follow(self) -> None:
        try:
            async for batch in self._watch(self.version):
                now = self._clock()
                if self._opened_at is None:
                    self._opened_at = now
                    if not self._mute:
                        self._heard_at = now
                    self._mute = True
                    self._opened()
                else:
                    self._heard_at, self._mute = now, False
                self._handle(batch.events)
                self.version = batch.version
        finally:
            if self._opened_at is not None and self._clock() - self._opened_at > _GOOD_SECONDS:
                self._failures = 0
            self._opened_at = None
            self._interrupted()

    def _must_list(self, error: ApiError | None) -> bool:
        if error is None:
            return False
        if isinstance(error, Expired | NotFound) or self._absent:
            return True
        refused = error.status >= 400 and error.status not in _NOT_THE_VERSION
        return refused and self._failures % _FAILURES_TO_LIST == 0

    async def _list_again(self, *, away: bool) -> None:
        version = await self._relist(away)
        if version < self.version:
            raise HistoryWentBack(
                f"the list of {self.name} is of resourceVersion {version}, older than"
                f" {self.version}, which was seen before. Was a backup restored? The operator"
                " ends, and must be started again."
            )
        self.version = version
        self._listed, self._absent = True, False
        self._heard_at = self._clock()

    def _opened(self) -> None:
        self._failures = min(self._failures, _FAILURES_WITH_AN_ANSWER)
        if self._trouble:
            log.info("The watch of %s works again.", self.name)
            self._trouble = ""

    async def _recover(self, error: ApiError | None) -> None:
        """Waits before the next attempt: hardly at all after a watch that served its time."""
        if isinstance(error, Expired) and not self._listed:
            return  # a list will help, so at once; unless it was just tried
        self._absent = self._optional and isinstance(error, NotFound | Forbidden)
        pause = min(_FIRST_PAUSE_SECONDS * 2.0**self._failures, _LAST_PAUSE_SECONDS)
        self._failures = min(self._failures + 1, 30)
        if error is not None:
            pause = max(pause, error.retry_after or 0.0, _ABSENT_SECONDS if self._absent else 0.0)
            trouble = f"{error.status or 'no answer'} {error.reason}"
            # That Istio is not installed, the resync says.
            if trouble != self._trouble and not (self._absent and isinstance(error, NotFound)):
                log.warning("The watch of %s was interrupted: %s", self.name, error)
            self._trouble = trouble
        await asyncio.sleep(spread(pause))
