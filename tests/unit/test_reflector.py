"""Following a collection: no gap, no storm of requests, and no silence that nobody notices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable

import pytest

from homelab_netpol.cluster.errors import ApiError, Expired, NotFound, Unavailable
from homelab_netpol.cluster.watch import SILENCE_SECONDS, WatchBatch, WatchEvent
from homelab_netpol.watch.reflector import HistoryWentBack, Reflector

EXPIRED = Expired(410, "Expired", "too old resource version")
AWAY = NotFound(404, "NotFound", "the server could not find the requested resource")
BUSY = Unavailable(503, "ServiceUnavailable", "busy")


class Server:
    """A collection whose watches go by a script: versions that are told, then how it ends."""

    def __init__(
        self, *script: tuple[list[int], ApiError | None], listed: int = 100, optional: bool = False
    ) -> None:
        self.script = list(script)
        self.listed = listed
        self.asked: list[int] = []
        self.lists: list[bool] = []
        self.taken: list[int] = []
        self.time = 1000.0
        self.ended = 0.0  # how long a watch of the script lasts
        self.over = asyncio.Event()
        self.interruptions = 0
        self.reflector = Reflector(
            "things",
            watch=self.watch,
            handle=self.take,
            relist=self.relist,
            interrupted=self.interrupted,
            optional=optional,
            clock=lambda: self.time,
        )

    async def watch(self, since: int) -> AsyncIterator[WatchBatch]:
        """Goes on with the script; after its end, stays open in silence."""
        self.asked.append(since)
        if not self.script:
            self.over.set()
            yield WatchBatch([], since)
            await asyncio.sleep(3600)
        versions, end = self.script.pop(0)
        yield WatchBatch([], since)
        for version in versions:
            yield WatchBatch([WatchEvent({"version": version}, deleted=False)], version)
        self.time += self.ended
        if end is not None:
            raise end

    def take(self, events: Iterable[WatchEvent]) -> None:
        """Notes what was told."""
        self.taken += [event.manifest["version"] for event in events]

    async def relist(self, away: bool) -> int:
        """Notes that the collection was listed."""
        self.lists.append(away)
        return self.listed

    def interrupted(self) -> None:
        """Counts the watches that were lost."""
        self.interruptions += 1

    async def played(self) -> None:
        """Follows until the script is at its end, and goes on following."""
        following = asyncio.create_task(self.reflector.run(10))
        over = asyncio.create_task(self.over.wait())
        await asyncio.wait({following, over}, timeout=20, return_when=asyncio.FIRST_COMPLETED)
        over.cancel()
        if following.done():
            following.result()
        assert self.over.is_set(), "the script was not played to its end"


def test_a_watch_that_ends_is_opened_again_where_it_was() -> None:
    async def check() -> None:
        server = Server(([11, 12], None), ([], BUSY), ([13], None))
        await server.played()
        assert server.asked == [10, 12, 12, 13]
        assert server.taken == [11, 12, 13]
        assert server.lists == []

    asyncio.run(check())


def test_what_can_no_longer_be_watched_is_listed_again_and_watched_from_there() -> None:
    async def check() -> None:
        server = Server(([11], EXPIRED), ([101], None))
        await server.played()
        assert server.lists == [False]
        assert server.asked == [10, 100, 101]

    asyncio.run(check())


def test_after_a_kind_was_away_its_list_says_so() -> None:
    async def check() -> None:
        server = Server(([11], AWAY))
        await server.played()
        assert server.lists == [True]
        assert server.asked == [10, 100]

    asyncio.run(check())


def test_a_cluster_that_is_older_than_what_was_seen_of_it_ends_the_operator() -> None:
    async def check() -> None:
        server = Server(([500], EXPIRED), listed=400)
        with pytest.raises(HistoryWentBack, match="older than 500"):
            await server.played()

    asyncio.run(check())


def test_silence_beyond_the_bookmarks_is_stale_and_a_quiet_minute_is_not() -> None:
    async def check() -> None:
        server = Server()
        await server.played()
        server.time += 61
        assert server.reflector.stale_because() is None
        server.time += SILENCE_SECONDS
        assert "nothing was heard for 151 s" in (server.reflector.stale_because() or "")

    asyncio.run(check())


def test_watches_that_open_again_and_again_and_tell_nothing_are_stale() -> None:
    async def check() -> None:
        server = Server(([], BUSY), ([], BUSY))
        server.ended = 50.0
        await server.played()
        assert "nothing was heard for 100 s" in (server.reflector.stale_because() or "")

    asyncio.run(check())


def test_a_watch_that_cannot_be_opened_is_told_with_its_cause() -> None:
    async def check() -> None:
        server = Server(([], BUSY), ([], BUSY))
        following = asyncio.create_task(server.reflector.run(10))
        await asyncio.sleep(0.05)
        assert server.reflector.stale_because() is None, "so short an interruption is none"
        server.time += 11
        assert server.reflector.stale_because() == (
            "the watch of things has been down for 11 s: 503 ServiceUnavailable"
        )
        following.cancel()

    asyncio.run(check())


def test_each_watch_that_is_lost_is_an_interruption() -> None:
    async def check() -> None:
        server = Server(([11, 12], None), ([], BUSY))
        await server.played()
        assert server.interruptions == 2

    asyncio.run(check())


def test_a_kind_that_need_not_be_installed_is_looked_for_and_not_stale_meanwhile() -> None:
    async def check() -> None:
        server = Server(optional=True)
        following = asyncio.create_task(server.reflector.run(None))
        await asyncio.sleep(0.05)
        server.time += 3600
        assert server.reflector.stale_because() is None
        assert server.asked == []
        following.cancel()

    asyncio.run(check())
