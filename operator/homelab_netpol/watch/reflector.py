"""Follows a collection for as long as the operator runs: a list, and a watch from there on.

Whatever goes wrong with the watch, it is opened again, sooner or later, from where it was; and
where that is no longer possible, the collection is listed again. Who asks learns whether what is
known of the collection may be old.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import NoReturn

from homelab_netpol.cluster.errors import ApiError, Expired, NotFound
from homelab_netpol.cluster.watch import SILENCE_SECONDS, WatchBatch, WatchEvent

log = logging.getLogger(__name__)

_FIRST_PAUSE_SECONDS = 0.1
_LAST_PAUSE_SECONDS = 5.0
_DOWN_SECONDS = 10.0
_GOOD_SECONDS = 5.0
# What happened while a watch was away comes first when it is back, and all at once.
_MISSED_SECONDS = 0.2
# Whoever opened the watch is there again, though it may have been cut off at once: ask soon.
_FAILURES_WITH_AN_ANSWER = 3
# After so many failures in a row it may be the resourceVersion that the server cannot go on from.
_FAILURES_TO_LIST = 5
_NOT_THE_VERSION = (401, 403, 429)


class HistoryWentBack(Exception):
    """The cluster is older than what was seen of it, as after a backup was restored."""


class Reflector:
    """Keeps what is known of one collection up to date.

    Attributes:
        name: of the collection, for people.
        version: the resourceVersion up to which all is known.
        informed: set while the watch is open, and has told what was missed before.
    """

    def __init__(
        self,
        name: str,
        *,
        watch: Callable[[int], AsyncIterator[WatchBatch]],
        take: Callable[[Iterable[WatchEvent]], None],
        relist: Callable[[bool], Awaitable[int]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepares; `run` does it.

        Args:
            name: of the collection, for people.
            watch: watches from a resourceVersion on.
            take: takes in events. Must neither fail nor wait.
            relist: lists the collection and takes the list in; is told whether the kind was away,
                and returns the resourceVersion of the list.
            clock: monotonic time.
        """
        self.name = name
        self.version = 0
        self.informed = asyncio.Event()
        self._listed = False
        self._watch = watch
        self._take = take
        self._relist = relist
        self._clock = clock
        self._failures = 0
        self._trouble = ""
        self._heard_at = clock()
        self._opened_at: float | None = None
        # The last watch told nothing at all, so that another one's opening is no sign of life.
        self._mute = False

    @property
    def silent_seconds(self) -> float:
        """Since when nothing was heard, not even a bookmark."""
        return self._clock() - self._heard_at

    def stale_because(self) -> str | None:
        """Why what is known of the collection may be old; None if it is not."""
        silent = self.silent_seconds
        if self._opened_at is None and silent > _DOWN_SECONDS:
            cause = self._trouble or "it has not been opened yet"
            return f"the watch of {self.name} has been down for {silent:.0f} s: {cause}"
        if silent > SILENCE_SECONDS:
            return f"the watch of {self.name} is stale: nothing was heard for {silent:.0f} s"
        return None

    async def run(self, since: int) -> NoReturn:
        """Follows until cancelled.

        Args:
            since: the resourceVersion of the list that was taken in.

        Raises:
            HistoryWentBack: nothing that is known can be trusted any more.
        """
        self.version = since
        self._heard_at = self._clock()
        self._listed = True
        error: ApiError | None = None
        while True:
            try:
                if self._must_list(error):
                    await self._list_again(away=isinstance(error, NotFound))
                error = None
                await self._follow()
            except ApiError as problem:
                error = problem
            await self._recover(error)
            self._listed = False

    async def _follow(self) -> None:
        loop = asyncio.get_running_loop()
        informing: asyncio.TimerHandle | None = None
        try:
            async for told in self._watch(self.version):
                now = self._clock()
                if self._opened_at is None:
                    self._opened_at = now
                    if not self._mute:
                        self._heard_at = now
                    self._mute = True
                    self._opened()
                    missed = 0.0 if self._listed else _MISSED_SECONDS
                    informing = loop.call_later(missed, self.informed.set)
                else:
                    self._heard_at, self._mute = now, False
                self._take(told.events)
                self.version = told.version
        finally:
            if informing is not None:
                informing.cancel()
            self.informed.clear()
            if self._opened_at is not None and self._clock() - self._opened_at > _GOOD_SECONDS:
                self._failures = 0
            self._opened_at = None

    def _must_list(self, error: ApiError | None) -> bool:
        if error is None:
            return False
        if isinstance(error, Expired | NotFound):
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
        self._listed = True
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
        pause = min(_FIRST_PAUSE_SECONDS * 2.0**self._failures, _LAST_PAUSE_SECONDS)
        self._failures = min(self._failures + 1, 30)
        if error is not None:
            pause = max(pause, error.retry_after or 0.0)
            if self._trouble != (trouble := f"{error.status or 'no answer'} {error.reason}"):
                self._trouble = trouble
                log.warning("The watch of %s was interrupted: %s", self.name, error)
        await asyncio.sleep(pause * (0.75 + 0.5 * random.random()))  # noqa: S311 - spreads attempts
