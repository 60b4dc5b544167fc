"""axe finds nothing to complain of, whatever is open."""

from __future__ import annotations

import pytest

from bench.load.audits import audit_document
from tests.page.audits import small
from tests.page.conftest import Open
from tests.page.opened import DESKTOP, PHONE

_SCREENS = [(width, colours) for width in (PHONE, DESKTOP) for colours in ("light", "dark")]


@pytest.mark.parametrize(("width", "colours"), _SCREENS)
def test_the_page_has_no_violation(opened: Open, width: int, colours: str) -> None:
    found = opened(small(), width=width, colours=colours)
    found.page.get_by_text("The picture as a table").click()
    assert found.violations() == []


@pytest.mark.parametrize(("width", "colours"), _SCREENS)
def test_the_details_of_a_namespace_have_no_violation(
    opened: Open, width: int, colours: str
) -> None:
    found = opened(small(), width=width, colours=colours, part="#ns/printers")
    assert found.page.locator("#details").is_visible()
    assert found.violations() == []


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_a_large_page_with_a_chosen_box_has_no_violation(opened: Open, colours: str) -> None:
    found = opened(audit_document(60), colours=colours)
    found.page.locator("#flow button").first.click()
    assert found.page.locator("#chosen li").count() > 0
    assert found.violations() == []


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_nothing_is_wider_than_the_screen(opened: Open, width: int) -> None:
    document = small()
    long = "a-name-of-sixty-three-characters-".ljust(63, "x")
    document["namespaces"][0]["name"] = long
    document["access"]["edges"].append(
        {"from": "world", "to": f"ns/{long}", "ports": ["1/TCP"] * 40, "by": "policy"}
    )
    found = opened(document, width=width)
    assert found.page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_every_box_of_the_picture_is_large_enough_to_touch(opened: Open, width: int) -> None:
    found = opened(audit_document(60), width=width)
    heights = found.page.locator("#flow button").evaluate_all(
        "boxes => boxes.map((box) => box.getBoundingClientRect().height)"
    )
    assert len(heights) > 10
    assert min(heights) >= 44
