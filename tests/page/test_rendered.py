"""The page as text: small, closed to the outside, and made of whatever is there."""

from __future__ import annotations

import base64
import copy
import hashlib
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.load.audits import audit_document
from homelab_netpol.audit.page import render_page
from tests.page.audits import edge, finding, small


def test_five_hundred_namespaces_are_under_three_megabytes() -> None:
    assert len(render_page(audit_document(500)).encode()) < 3_000_000


def test_only_its_own_style_and_scripts_are_allowed_by_hash() -> None:
    html = render_page(small())
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    parts = dict(part.split(" ", 1) for part in policy.replace("&#39;", "'").split("; "))
    assert parts["default-src"] == "'none'"
    assert parts["img-src"] == "data:"
    assert set(parts) == {
        "default-src",
        "style-src",
        "script-src",
        "img-src",
        "base-uri",
        "form-action",
        "require-trusted-types-for",
    }
    for tag in ("style", "script"):
        bodies = re.findall(f"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        assert parts[f"{tag}-src"].split() == [_hash_of(each) for each in bodies]


def _hash_of(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_the_icon_is_all_that_is_linked_to() -> None:
    html = render_page(small())
    addresses = re.findall(r'(?:src|href|action|data|poster|srcset)="([^"]*)"', html)
    assert {each for each in addresses if not each.startswith("#")} == {
        each for each in addresses if each.startswith("data:image/svg+xml,")
    }
    assert "url(" not in html
    assert "@import" not in html


@pytest.mark.parametrize("part", sorted(small()))
def test_a_part_that_is_missing_is_left_out(part: str) -> None:
    document = small()
    del document[part]
    assert "</html>" in render_page(document)


@given(st.data())
def test_fields_may_be_missing_anywhere(data: st.DataObject) -> None:
    document = copy.deepcopy(small())
    _drop(document, data)
    assert "</html>" in render_page(document)


def _drop(value: Any, data: st.DataObject) -> None:
    """Takes some keys of all mappings away."""
    if isinstance(value, dict):
        for key in data.draw(st.sets(st.sampled_from(sorted(value)))) if value else ():
            del value[key]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            _drop(each, data)


def test_an_empty_document_is_a_page() -> None:
    assert "0 of 0 Namespaces are enforced; no risk was found." in render_page({})


def test_a_cluster_that_enforces_nothing_is_told_so_first() -> None:
    document = small()
    document["enforcement"] = {"enforcing": False, "problems": ["Cilium runs in audit mode."]}
    html = render_page(document)
    told, problem = html.index("Nothing enforces the policies"), html.index("audit mode")
    assert told < problem < html.index("What to do first</h2>")


def test_findings_are_ordered_by_risk_and_told_once_for_many() -> None:
    document = small()
    document["first"] = [
        finding("low", "L", "wiki", "a low one"),
        *(finding("high", "H", f"app-{each}", "a high one") for each in range(5)),
        finding("medium", "M", "wiki", "a medium one"),
    ]
    html = render_page(document).partition('<script type="application/json"')[0]
    places = [html.index(f"a {risk} one") for risk in ("high", "medium", "low")]
    assert places == sorted(places)
    assert html.count("a high one") == 1
    assert all(f"app-{each}" in html for each in range(5))


def test_what_is_so_everywhere_has_no_empty_place() -> None:
    what = {"risk": "high", "rule": "NothingEnforced", "what": "No agent runs.", "do": "doctor"}

    page = render_page({"first": [what]})

    assert "No agent runs." in page
    assert not re.search(r"<li>\s*</li>|<ul>\s*</ul>", page)


def test_the_internet_is_never_among_the_neighbours_that_are_left_out() -> None:
    document = small()
    for number in range(20):
        document["access"]["edges"] += [
            edge("ns/recipes", f"ns/app-{number:02}", ["80/TCP"], "policy", "by-hand"),
            edge(f"ns/app-{number:02}", "ns/recipes", ["80/TCP"], "policy", "by-hand"),
        ]
    html = render_page(document).partition('<script type="application/json"')[0]
    assert html.count("the world, ns/app-00, ns/app-01") == 2
    assert html.count("ns/app-06 and 13 more") == 2
