"""A page in a browser, and all that it says and requests."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, cast

from playwright.sync_api import Browser, Page

PHONE, DESKTOP = 360, 1440

_AXE = files("axe_playwright_python") / "axe.min.js"


class Opened:
    """A page that is open.

    Attributes:
        page: to click and type on.
        address: of its file.
        said: console messages and uncaught errors.
        requested: all addresses, the page's own among them.
    """

    def __init__(
        self, browser: Browser, file: Path, width: int, colours: str, script: bool, part: str
    ) -> None:
        context = browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme=cast(Literal["light", "dark"], colours),
            java_script_enabled=script,
            reduced_motion="reduce",
        )
        self.page: Page = context.new_page()
        self.address = file.as_uri()
        self.said: list[str] = []
        self.requested: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self._count(request.url))
        self.page.goto(self.address + part)

    def _count(self, address: str) -> None:
        # What is inside of the page is no request.
        if not address.startswith("data:"):
            self.requested.append(address.partition("#")[0])

    def rows(self) -> list[str]:
        """The Namespaces of the table's rows that are shown."""
        rows = self.page.locator("#table tbody tr:visible")
        return [row.get_attribute("data-name") or "" for row in rows.all()]

    def boxes(self, column: int) -> list[str]:
        """The first lines of the picture's boxes in a column, from 0 on, on a wide screen."""
        boxes = self.page.locator("#flow .column").nth(column).locator(".node")
        return [text.splitlines()[0] for text in boxes.all_inner_texts()]

    def violations(self) -> list[str]:
        """What axe, the accessibility checker, finds against its rules: rule, element, why."""
        self.page.evaluate(_AXE.read_text(encoding="utf-8"))
        found: dict[str, Any] = self.page.evaluate("axe.run(document)")
        assert found["passes"], "axe judged nothing"
        return [
            f"{rule['id']}: {node['html'][:200]}: {node['failureSummary']}"
            for rule in found["violations"]
            for node in rule["nodes"]
        ]
