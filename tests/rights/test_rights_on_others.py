"""Take one of the other rights away, and something no longer happens; give it back, and it does."""

from __future__ import annotations

import pytest

from tests.cluster.audited import Right
from tests.rights.on_others import SCENARIOS, SCENARIOS_ELSEWHERE
from tests.rights.roles import ELSEWHERE, rights, rights_elsewhere
from tests.rights.stage import Stage


@pytest.mark.parametrize("right", rights(), ids=str)
def test_each_right_is_needed(right: Right, stage: Stage) -> None:
    stage.play(right, SCENARIOS[right.resource, right.verb])


@pytest.mark.parametrize("right", rights_elsewhere(), ids=str)
def test_each_right_in_ciliums_namespace_is_needed(right: Right, stage: Stage) -> None:
    scenario = SCENARIOS_ELSEWHERE[right.resource, right.verb]
    stage.play(right, scenario, namespace=ELSEWHERE)
