"""What a cluster says never becomes markup, a script, a style or an address."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homelab_netpol.audit.page import render_page
from tests.page.audits import small
from tests.page.conftest import Open

_HOSTILE = [
    "</script><script>document.title='run'</script>",
    "<!--<script>",
    "]]><img src=x onerror=\"document.title='run'\">",
    '"><svg onload="document.title=\'run\'">',
    "' onmouseover='document.title=`run`",
    "</style><style>*{display:none}",
    "</title></textarea></noscript><iframe src=https://example.org>",
    "javascript:document.title='run'",
    "{{ 7 * 7 }}{% raw %}${document.title='run'}",
    "&lt;b&gt; &amp;",
    "a\u202eb\u2028c\u2029d\x00e\x1b[31mf\ud800g",
    "__proto__",
    "constructor",
    "%",
]


def replaced(value: Any, text: str) -> Any:
    """A document with each of its texts ended, and each of its mappings joined, by another."""
    if isinstance(value, str):
        return value + text
    if isinstance(value, list):
        return [replaced(each, text) for each in value]
    if isinstance(value, dict):
        return {**{key: replaced(each, text) for key, each in value.items()}, text: text}
    return value


class _Elements(HTMLParser):
    """Which elements there are with which attributes, without their values."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.mark.parametrize("text", _HOSTILE)
def test_text_adds_no_element_and_no_attribute(text: str) -> None:
    # A neutral text of the same kind, for what a longer document has more of.
    expected = _Elements(render_page(replaced(small(), "plain"))).found
    assert _Elements(render_page(replaced(small(), text))).found == expected


@given(st.text())
def test_no_text_at_all_adds_an_element(text: str) -> None:
    document = small()
    shown = text if text.strip() else "-"  # what is blank has no place of its own in a list
    document["namespaces"][0]["name"] = text
    document["first"][0].update(what=shown, object=shown, namespace=shown)
    document["source"] = shown
    assert _Elements(render_page(document)).found == _Elements(render_page(small())).found


@pytest.mark.parametrize("text", _HOSTILE)
def test_the_page_holds_the_document_as_data(text: str) -> None:
    document = small()
    document["notSeen"] = [text]
    parsed = _Elements(render_page(document))
    (data,) = (each for each in parsed.texts if each.startswith('{"kind":"Audit"'))
    found = json.loads(data)
    (shown,) = found.pop("notSeen")
    document.pop("notSeen")
    access = found["access"]
    ends, sorts = access.pop("ends"), access.pop("sorts")
    access["edges"] = [
        {"from": ends[source], "to": ends[target], **sorts[sort]}
        for source, target, sort in access["edges"]
    ]
    for edge in document["access"]["edges"]:
        if not edge["word"]:
            del edge["word"]
    assert found == document
    if text.isprintable():
        assert shown == text
    else:
        assert shown == "a\\x202eb c d\\x00e\\x1b[31mf\\xd800g"


@pytest.mark.parametrize("text", _HOSTILE)
def test_text_does_not_run_in_a_browser(opened: Open, text: str) -> None:
    document = replaced(small(), text)
    document["first"][0]["rule"] = f"LINK{text}"
    found = opened(document)
    title = found.page.title()
    assert title.startswith("Network audit: cluster home")
    found.page.get_by_text("The picture as a table").click()
    for box in found.page.locator("#flow button").all():
        box.click()
        if found.page.evaluate("location.hash !== ''"):
            found.page.locator("#details").wait_for()
            found.page.keyboard.press("Escape")
            found.page.wait_for_url(found.address)
    for link in found.page.locator("#table a").all():
        link.click()
        found.page.locator("#details").wait_for()
        found.page.keyboard.press("Escape")
        found.page.wait_for_url(found.address)
    assert found.page.title() == title
    assert found.page.locator("img, iframe, svg[onload]").count() == 0
