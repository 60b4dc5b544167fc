"""Take one right on Istio's policies away: something no longer happens, until it is given back."""

from __future__ import annotations

import pytest

from tests.cluster.audited import Right
from tests.rights.on_policies import SCENARIOS
from tests.rights.roles import ISTIO, rights
from tests.rights.stage import Stage


@pytest.mark.parametrize("right", rights(ISTIO), ids=str)
def test_each_right_is_needed(right: Right, stage: Stage) -> None:
    stage.play(right, SCENARIOS[right.resource, right.verb])
