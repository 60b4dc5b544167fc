"""The operator's pages: they answer whatever the operator's own loop does."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
import urllib.request
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.error import HTTPError

import pytest

from homelab_netpol.settings import Settings
from homelab_netpol.telemetry.metrics import Metrics
from homelab_netpol.telemetry.server import HealthServer


class Pages:
    """A server with what it is told, in the loop that runs the test."""

    def __init__(self, *, debug: bool = False, address: str = "127.0.0.1") -> None:
        self.metrics = Metrics()
        self.reason: str | None = None
        self.remark: str | None = None
        self.mistaken = False
        self.asked_in: set[int] = set()
        self.server = HealthServer(
            self.metrics,
            address=address,
            port=0,
            refresh=self._refresh,
            not_ready_because=self._because,
            alive_seconds=1,
            remark=lambda: self.remark,
            describe=(lambda: {"queue": {"waiting": 3}}) if debug else None,
        )

    def _refresh(self) -> None:
        self.asked_in.add(threading.get_ident())
        if self.mistaken:
            raise ZeroDivisionError
        self.metrics.queue_depth.inc()
        self.metrics.ready.set(1)

    def _because(self) -> str | None:
        self.asked_in.add(threading.get_ident())
        return self.reason

    def read(self, path: str) -> tuple[int, str]:
        """The status and the text of a page; not for the loop that is asked."""
        url = f"http://127.0.0.1:{self.server.port}{path}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()

    async def get(self, path: str) -> tuple[int, str]:
        """The status and the text of a page."""
        return await asyncio.to_thread(self.read, path)


def serving(pages: Pages, test: Callable[[], Awaitable[Any]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(30), pages.server:
            await test()

    asyncio.run(bounded())


def test_an_operator_that_is_well_says_ok() -> None:
    pages = Pages()

    async def check() -> None:
        assert await pages.get("/healthz") == (200, "ok\n")
        assert await pages.get("/readyz") == (200, "ok\n")

    serving(pages, check)


def test_readyz_says_why_it_is_not_ready() -> None:
    pages = Pages()
    pages.reason = "the leader is not known yet"

    async def check() -> None:
        assert await pages.get("/readyz") == (503, "not ready: the leader is not known yet\n")

    serving(pages, check)


def test_readyz_stays_ready_and_adds_what_keeps_policies_from_being_enforced() -> None:
    pages = Pages()
    pages.remark = "nothing is enforced: Cilium's audit mode is on"

    async def check() -> None:
        text = "ok\nnothing is enforced: Cilium's audit mode is on\n"
        assert await pages.get("/readyz") == (200, text)
        pages.reason = "the leader is not known yet"
        assert await pages.get("/readyz") == (503, "not ready: the leader is not known yet\n")

    serving(pages, check)


def test_what_the_operator_knows_is_read_in_its_own_loop_only() -> None:
    pages = Pages()

    async def check() -> None:
        await pages.get("/readyz")
        await pages.get("/metrics")
        assert pages.asked_in == {threading.get_ident()}

    serving(pages, check)


def test_metrics_are_brought_up_to_date_for_each_scrape() -> None:
    pages = Pages()

    async def check() -> None:
        assert "homelab_netpol_queue_depth 1.0" in (await pages.get("/metrics"))[1]
        assert "homelab_netpol_queue_depth 2.0" in (await pages.get("/metrics"))[1]

    serving(pages, check)


def test_a_mistake_while_metrics_are_brought_up_to_date_stops_nothing_else() -> None:
    pages = Pages()
    pages.mistaken = True

    async def check() -> None:
        assert (await pages.get("/metrics"))[0] == 500
        assert await pages.get("/readyz") == (200, "ok\n")

    serving(pages, check)


def test_while_the_loop_hangs_every_page_answers_and_says_so() -> None:
    pages = Pages(debug=True)
    paths = ("/readyz", "/metrics", "/debug/state")

    def hang() -> list[tuple[int, str]]:
        """Does not return to the loop before it has counted as hanging."""
        with ThreadPoolExecutor() as threads:
            asked = [threads.submit(pages.read, path) for path in paths]
            while not all(answer.done() for answer in asked):
                time.sleep(0.01)
            while (health := pages.read("/healthz"))[0] == 200:
                time.sleep(0.01)
            return [health, *(answer.result() for answer in asked)]

    async def check() -> None:
        await pages.get("/metrics")
        health, ready, metrics, state = hang()
        assert health[0] == 503
        assert "the event loop has not turned for" in health[1]
        assert ready == (503, "not ready: the event loop does not turn\n")
        assert metrics[0] == 200
        assert "homelab_netpol_queue_depth 1.0" in metrics[1]
        assert "homelab_netpol_ready 0.0" in metrics[1]
        assert state[0] == 503
        assert json.loads(state[1])["loop"]["stoppedSeconds"] >= 0
        async with asyncio.timeout(10):  # it beats again when its next turn comes
            while (await pages.get("/healthz"))[0] != 200:
                pass
        assert "homelab_netpol_queue_depth 2.0" in (await pages.get("/metrics"))[1], (
            "what nobody waited for any more was not done"
        )

    serving(pages, check)


def test_the_debug_page_shows_what_the_operator_says_of_itself() -> None:
    pages = Pages(debug=True)

    async def check() -> None:
        status, text = await pages.get("/debug/state")
        shown = json.loads(text)
        assert status == 200
        assert shown["queue"] == {"waiting": 3}
        assert set(shown["loop"]) == {"lagSeconds", "stoppedSeconds"}

    serving(pages, check)


def test_there_is_no_debug_page_unless_it_was_asked_for() -> None:
    pages = Pages()

    async def check() -> None:
        assert (await pages.get("/debug/state"))[0] == 404

    serving(pages, check)


@pytest.mark.parametrize("client", ["127.0.0.1", "::1"])
def test_by_default_both_families_of_addresses_are_answered(client: str) -> None:
    pages = Pages(address=Settings().server.address)

    async def check() -> None:
        def ask() -> bytes:
            with socket.create_connection((client, pages.server.port)) as connection:
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                return connection.recv(12)

        assert await asyncio.to_thread(ask) == b"HTTP/1.1 200"

    serving(pages, check)


def test_without_ipv6_in_the_kernel_ipv4_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: False)
    pages = Pages(address=Settings().server.address)

    async def check() -> None:
        await asyncio.to_thread(socket.create_connection, ("127.0.0.1", pages.server.port))
        with pytest.raises(OSError, match="refused"):
            await asyncio.to_thread(socket.create_connection, ("::1", pages.server.port))

    serving(pages, check)


@pytest.mark.parametrize("address", ["127.0.0.1", "no such address"])
def test_an_address_that_cannot_be_listened_on_is_an_error_of_the_start(address: str) -> None:
    async def check(port: int) -> None:
        async with HealthServer(
            Metrics(),
            address=address,
            port=port,
            refresh=lambda: None,
            not_ready_because=lambda: None,
            alive_seconds=1,
        ):
            pass

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match=r"address|name|known"):
            asyncio.run(check(taken.getsockname()[1]))


def test_the_port_is_free_again_once_the_operator_ends_though_a_client_stays_connected() -> None:
    pages = Pages()
    client = socket.socket()

    async def check() -> None:
        client.connect(("127.0.0.1", pages.server.port))
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await asyncio.to_thread(client.recv, 12) == b"HTTP/1.1 200"

    with client:
        serving(pages, check)
        assert "http" not in {thread.name for thread in threading.enumerate()}
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", pages.server.port))
