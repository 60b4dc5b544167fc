"""A hatch that was just closed: its net leaves the Namespace out by name until Cilium knows."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.cluster.conftest import QUICK
from tests.cluster.deadlines import OPEN, closes, is_closed, left_out
from tests.cluster.kube import Kube, eventually
from tests.cluster.spaces import ENFORCEMENT, HATCH_POLICY, Spaces
from tests.cluster.watched import resync
from tests.running_operator import RunningOperator, running_operator

Start = Callable[[], AbstractContextManager[RunningOperator]]


@pytest.fixture
def start(account: Path, kube: Kube) -> Start:
    """Starts an operator that ends with its block; it takes Cilium for slow as it comes."""
    return lambda: running_operator(account, QUICK)


def test_opened_again_meanwhile_the_net_is_open_at_once(
    spaces: Spaces, kube: Kube, start: Start
) -> None:
    with start() as operator:
        app, other = spaces(OPEN), spaces(OPEN)
        app.has(HATCH_POLICY)
        other.has(HATCH_POLICY)
        app.label({ENFORCEMENT: None})
        other.label({ENFORCEMENT: None})
        closes(kube, app)
        closes(kube, other)
        app.label({ENFORCEMENT: "disabled"})
        app.has(HATCH_POLICY)
        eventually(lambda: not left_out(kube, app), "the net to be open", seconds=10)
        resync(operator, 2)
        assert is_closed(kube, other)


def test_a_restart_does_not_open_what_was_just_closed(
    spaces: Spaces, kube: Kube, start: Start
) -> None:
    with start():
        before, meanwhile = spaces(OPEN), spaces(OPEN)
        before.has(HATCH_POLICY)
        meanwhile.has(HATCH_POLICY)
        before.label({ENFORCEMENT: None})
        closes(kube, before)
    meanwhile.label({ENFORCEMENT: None})
    with start() as operator:
        assert is_closed(kube, meanwhile), "ready means that it is closed"
        resync(operator, 2)
        assert is_closed(kube, before)
        meanwhile.label({ENFORCEMENT: "disabled"})
        meanwhile.has(HATCH_POLICY)
        eventually(lambda: not left_out(kube, meanwhile), "the net to be open", seconds=10)


def test_opened_again_while_no_operator_runs_it_is_open_at_the_next_start(
    spaces: Spaces, kube: Kube, start: Start
) -> None:
    with start():
        app = spaces(OPEN)
        app.has(HATCH_POLICY)
        app.label({ENFORCEMENT: None})
        closes(kube, app)
    app.label({ENFORCEMENT: "disabled"})
    with start():
        assert app.policy(HATCH_POLICY) is not None
        assert not left_out(kube, app), "ready means that it is open"
