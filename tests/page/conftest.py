"""A real browser, which opens pages from files as a reader does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from homelab_netpol.audit.page import render_page
from tests.page.opened import DESKTOP, Opened
from tests.programs import program

Open = Callable[..., Opened]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, headless; without it the tests are skipped.

    For a module only: while it is open, an event loop runs in this thread, and no test of another
    module could start one.
    """
    chromium = program("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens the page of a document; afterwards nothing may have been requested or complained of."""
    pages: list[Opened] = []

    def open_page(
        document: Mapping[str, Any],
        *,
        width: int = DESKTOP,
        colours: str = "light",
        script: bool = True,
        part: str = "",
    ) -> Opened:
        file = tmp_path / "audit.html"
        file.write_text(render_page(document), encoding="utf-8")
        pages.append(Opened(browser, file, width, colours, script, part))
        return pages[-1]

    yield open_page
    for each in pages:
        each.page.context.close()
        assert each.said == []
        assert each.requested == [each.address]
