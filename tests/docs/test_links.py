"""What the documentation refers to is there: pages, files, headings; and no page is lost."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, pages

_INDEX = "docs/README.md"
_FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!`)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(?P<text>.+?)\s*$", re.MULTILINE)
_ANCHOR = re.compile(r'<a (?:id|name)="(?P<name>[^"]+)"')


def written() -> list[str]:
    """All pages with links: also those without a reader's commands."""
    more = [*ROOT.glob("*.md"), *(ROOT / "tests").rglob("*.md"), *(ROOT / "bench").rglob("*.md")]
    return sorted({*pages(), *(path.relative_to(ROOT).as_posix() for path in more)})


@functools.cache
def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return _FENCED.sub("", page.read_text(encoding="utf-8"))


@functools.cache
def anchors(page: Path) -> frozenset[str]:
    """What can stand behind the `#` of a link, as GitHub makes it from headings."""
    found: dict[str, int] = {}
    result = {match["name"] for match in _ANCHOR.finditer(prose(page))}
    for heading in _HEADING.finditer(prose(page)):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading["text"]).lower()
        slug = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        number = found[slug] = found.get(slug, -1) + 1
        result.add(f"{slug}-{number}" if number else slug)
    return frozenset(result)


@pytest.mark.parametrize("page", written())
def test_every_link_leads_to_a_file_and_a_heading_that_are_there(page: str) -> None:
    here = ROOT / page
    broken = []
    for link in _LINK.finditer(prose(here)):
        target, _, anchor = link["target"].partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        there = (here.parent / target).resolve() if target else here
        if not there.exists() or (anchor and anchor not in anchors(there)):
            broken.append(link["target"])
    assert not broken


def test_the_index_has_every_page_of_the_documentation() -> None:
    index = ROOT / _INDEX
    linked = {
        (index.parent / link["target"].partition("#")[0]).resolve()
        for link in _LINK.finditer(prose(index))
    }
    beside = {ROOT / page for page in pages() if page.startswith("docs/") and page != _INDEX}
    decisions = ROOT / "docs" / "decisions"
    lost = {page for page in beside - linked if page.parent != decisions}
    assert not lost
    assert decisions / "README.md" in linked, "the decisions have an index of their own"
