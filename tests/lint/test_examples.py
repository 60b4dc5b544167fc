"""Every rule finds its wrong example, and is silent on the right one: those of docs/lint.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from homelab_netpol.lint import RULES, Rule
from tests.lint.linted import findings, ids
from tools.lint_reference import page

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "lint.md"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_the_wrong_example_is_found_by_its_rule_and_by_no_other(rule: Rule) -> None:
    # A comment without a reason keeps nothing back.
    beside = {"NP008"} if rule.id == "NP901" else set()
    assert ids(rule.wrong) == {rule.id} | beside


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_nothing_at_all_is_found_in_the_right_example(rule: Rule) -> None:
    assert findings(rule.right) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_finding_stands_on_the_line_of_its_field(rule: Rule) -> None:
    for finding in findings(rule.wrong):
        line = rule.wrong.splitlines()[finding.line - 1]
        last = re.search(r"\[(?P<key>[^\]]*)\]$|(?P<name>[^.\[\]]+)$", finding.path)
        name = (last["key"] or last["name"]) if last else ""
        if not name.isdigit():
            assert line[finding.column - 1 :].startswith(name), (finding.path, line)


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), (
        "run: python -m tools.lint_reference > docs/lint.md"
    )


def test_ids_are_unique_and_are_never_given_again() -> None:
    assert len({rule.id for rule in RULES}) == len({rule.name for rule in RULES}) == len(RULES)
    # In use in ignore comments: only ever add to this list.
    assert [rule.id for rule in RULES] == [
        *(f"NP{number:03}" for number in range(1, 10)),
        *(f"NP{number}" for number in range(101, 120)),
        *(f"NP{number}" for number in range(201, 206)),
        *(f"NP{number}" for number in range(301, 307)),
        *("NP901", "NP902", "NP903"),
    ]
