"""Kopf's watch of Namespaces falls behind, or is interrupted: lists find what it missed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import faults as wrong
from tests.cluster.conftest import QUICK
from tests.cluster.faulty_proxy import FaultyProxy
from tests.cluster.kube import Kube, eventually
from tests.cluster.spaces import ENFORCEMENT, HATCH_POLICY, PROFILE, Spaces
from tests.cluster.watched import series
from tests.running_operator import RunningOperator, running_operator

WATCH = "/api/v1/namespaces?watch=true"
LIST = "/api/v1/namespaces?limit"


@pytest.fixture(scope="module")
def proxy(account: Path, kube: Kube) -> Iterator[FaultyProxy]:
    """Stands between the operator and the API server."""
    with FaultyProxy(account) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def operator(proxy: FaultyProxy) -> Iterator[RunningOperator]:
    """An operator that reaches the API server only through the proxy, and lists every second."""
    with running_operator(proxy.kubeconfig, {**QUICK, "watchCheckSeconds": 1}) as operator:
        yield operator


def test_what_kopfs_watch_does_not_deliver_is_found_by_a_list_and_told(
    proxy: FaultyProxy, operator: RunningOperator, spaces: Spaces
) -> None:
    narrowed = spaces({PROFILE: "standard"})
    narrowed.has_profile("standard")
    gone = spaces({PROFILE: "internal"})
    gone.has_profile("internal")
    with proxy.fault(wrong.silence, path=WATCH) as silent:
        proxy.cut()
        eventually(lambda: silent.hits > 0, "Kopf to watch again, and to hear nothing")
        narrowed.label({PROFILE: "isolated"})
        opened = spaces({ENFORCEMENT: "disabled"})
        gone.label({PROFILE: None})
        narrowed.has_profile("isolated")
        opened.has(HATCH_POLICY)
        gone.holds_only()
        eventually(
            lambda: "the watch of namespaces is behind" in operator.not_ready_because(),
            "/readyz to say that the watch is behind",
        )
        assert series(operator, "watch_behind_seconds", watch="namespaces") > [10]
    operator.wait_ready()
    assert series(operator, "watch_behind_seconds", watch="namespaces") == [0]


def test_after_an_interruption_nothing_is_written_before_namespaces_are_listed(
    proxy: FaultyProxy, operator: RunningOperator, spaces: Spaces
) -> None:
    space = spaces({PROFILE: "standard"})
    space.has_profile("standard")
    with (
        proxy.fault(wrong.silence, path=WATCH),
        proxy.fault(wrong.status(503, "ServiceUnavailable"), path=LIST) as unlisted,
    ):
        proxy.cut()
        eventually(lambda: unlisted.hits > 0, "the operator to try to list")
        space.label({PROFILE: "isolated"})
        space.drop()
        tries = unlisted.hits
        eventually(lambda: unlisted.hits > tries + 2, "the operator to try on")
        assert space.policies() == {}, "it does not know whether 'standard' is still asked for"
    space.has_profile("isolated")
