"""docs/rights.md is about the rights there are, and every right has its scenario."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from pathlib import Path

from tests.cluster.audited import Right
from tests.rights import on_others, on_policies
from tests.rights.roles import CILIUM, ISTIO, rights, rights_elsewhere

PAGE = Path(__file__).resolve().parents[2] / "docs" / "rights.md"
ROW = re.compile(r"^\| (`[^|]*`) \| (`[^|]*`) \| [^|]+ \| [^|]+ \|$", re.MULTILINE)


def listed() -> list[Right]:
    """The rights of the page's table."""
    found = []
    for on, verbs in ROW.findall(PAGE.read_text("utf-8")):
        for what, verb in itertools.product(
            *(re.findall("`([^`]+)`", cell) for cell in (on, verbs))
        ):
            resource, _, group = what.partition(".")
            found.append(Right(group, resource, verb))
    return found


def test_the_page_lists_each_right_once_and_no_other() -> None:
    assert Counter(listed()) == Counter([*rights(), *rights(CILIUM, ISTIO), *rights_elsewhere()])


def test_there_is_no_scenario_without_its_right() -> None:
    given = {(right.resource, right.verb) for right in [*rights(), *rights(CILIUM, ISTIO)]}
    assert {*on_others.SCENARIOS, *on_policies.SCENARIOS} == given
    elsewhere = {(right.resource, right.verb) for right in rights_elsewhere()}
    assert set(on_others.SCENARIOS_ELSEWHERE) == elsewhere
