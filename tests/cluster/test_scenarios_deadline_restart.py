"""A hatch that closes by itself, while the operator comes and goes: the cluster remembers."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.cluster.conftest import QUICK
from tests.cluster.deadlines import NET, OPEN, UNTIL, UNTIL_GAUGE, after, closes, is_closed
from tests.cluster.kube import Kube, eventually
from tests.cluster.spaces import HATCH_POLICY, Spaces, version_of
from tests.cluster.watched import resync, series
from tests.running_operator import RunningOperator, running_operator

Start = Callable[[], AbstractContextManager[RunningOperator]]


@pytest.fixture
def start(account: Path, kube: Kube) -> Start:
    """Starts an operator that ends with its block."""
    return lambda: running_operator(account, QUICK)


def test_a_restart_in_between_moves_nothing(spaces: Spaces, kube: Kube, start: Start) -> None:
    text, moment = after(14)
    with start() as operator:
        by_time = spaces(OPEN, disabled_until=text)
        by_duration = spaces(OPEN, disabled_until="13s")
        by_time.has(HATCH_POLICY)
        by_duration.has(HATCH_POLICY)
        # It is told after the policy stands.
        [until] = eventually(
            lambda: series(operator, UNTIL_GAUGE, namespace=by_duration.name), "the deadline"
        )
    with start() as operator:
        assert by_time.policy(HATCH_POLICY) is not None
        assert series(operator, UNTIL_GAUGE, namespace=by_duration.name) == [until]
        assert closes(kube, by_duration) >= until
        assert closes(kube, by_time) >= moment
        net = version_of(kube.ccnp(NET))
    with start() as operator:
        resync(operator, 2)
        assert is_closed(kube, by_time)
        assert is_closed(kube, by_duration), "a duration does not begin anew"
        assert version_of(kube.ccnp(NET)) == net, "nothing was there to be written"
        by_duration.annotate({UNTIL: None})
        by_duration.has(HATCH_POLICY)


def test_a_deadline_that_passes_while_no_operator_runs_closes_at_the_start(
    spaces: Spaces, kube: Kube, start: Start
) -> None:
    with start():
        app = spaces(OPEN, disabled_until="2s")
        app.has(HATCH_POLICY)
    time.sleep(2.5)
    assert app.policy(HATCH_POLICY) is not None, "nobody was there to close it"
    with start():
        assert is_closed(kube, app), "ready means that it is closed"
