"""The audit's page: how large it is, and how soon it answers in a real browser, without a cluster.

A new page answers when the result of a search, typed at the first moment, is on the screen.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.load.audits import audit_document
from bench.scenarios.bench_plane import Extent
from bench.subjects import Subject, SubjectError

NAMESPACES = 500
_WIDTHS = (360, 1440)
_MOST_SAMPLES = 20
_FEW = 10  # the Namespace that is searched for, and those that may reach it

# The page of the state of the sources that is measured, which may be another checkout.
_RENDER = """
import json, sys, time
from homelab_netpol.audit.page import render_page
document = json.load(sys.stdin)
began = time.perf_counter()
page = render_page(document)
print(time.perf_counter() - began, file=sys.stderr)
sys.stdout.write(page)
"""
# Runs when the page's own scripts have run. Two frames: what the first one draws is on the screen.
_ANSWERED = """
addEventListener("DOMContentLoaded", () => {
  const search = document.getElementById("search");
  search.value = "app-0123";
  search.dispatchEvent(new Event("input"));
  requestAnimationFrame(() => requestAnimationFrame(() => {
    const rows = document.querySelectorAll("#table tbody tr:not([hidden])").length;
    window.answered = [performance.now(), rows];
  }));
});
"""


@dataclass(frozen=True, slots=True)
class AuditPageResult:
    """One round.

    Attributes:
        size: of the page, in bytes.
        render: seconds that it took to write it.
        answered: by the screen's width in pixels, seconds from the navigation's start until the
            answer to a search was on the screen.
    """

    size: int
    render: float
    answered: dict[int, list[float]]


def measure_audit_page(subject: Subject, extent: Extent) -> AuditPageResult:
    """Opens the page so often, each time in a new and empty browser context.

    Raises:
        SubjectError: there is no Chromium, or the page does not answer.
    """
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SubjectError("chromium is not installed: apt-get install chromium")
    with TemporaryDirectory(prefix="homelab-netpol-page-") as folder:
        file = Path(folder, "audit.html")
        render = _write(subject, file)
        answered = _answers(chromium, file, min(extent.samples, _MOST_SAMPLES))
        return AuditPageResult(file.stat().st_size, render, answered)


def _write(subject: Subject, file: Path) -> float:
    done = subprocess.run(
        [sys.executable, "-c", _RENDER],
        env={**os.environ, **subject.environment},
        input=json.dumps(audit_document(NAMESPACES)),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SubjectError(f"no page: {done.stderr[-500:]}")
    file.write_text(done.stdout, encoding="utf-8")
    return float(done.stderr)


def _answers(chromium: str, file: Path, samples: int) -> dict[int, list[float]]:
    # Only those who measure this need it.
    from playwright.sync_api import sync_playwright

    found: dict[int, list[float]] = {width: [] for width in _WIDTHS}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        for width in _WIDTHS * samples:
            context = browser.new_context(viewport={"width": width, "height": 800})
            page = context.new_page()
            page.add_init_script(_ANSWERED)
            page.goto(file.as_uri())
            answer: Any = page.wait_for_function("window.answered").json_value()
            context.close()
            if not 0 < answer[1] < _FEW:
                raise SubjectError(f"the search left {answer[1]} rows")
            found[width].append(answer[0] / 1e3)
        browser.close()
    return found
