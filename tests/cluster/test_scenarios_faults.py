"""The API server has a bad time: nothing is lost, nothing foreign is touched, somebody says why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import faults as wrong
from tests.cluster.conftest import QUICK
from tests.cluster.faulty_proxy import FaultyProxy
from tests.cluster.kube import CNP, Kube, cnp_path, eventually
from tests.cluster.spaces import PROFILE, PROFILE_POLICY, Space, Spaces, access, uid_of
from tests.cluster.watched import logged, resync, series
from tests.cluster.words import consumers
from tests.running_operator import RunningOperator, running_operator

IMPATIENT = {**QUICK, "requestTimeoutSeconds": 1}
WRITES = ("POST", "PUT", "DELETE")

FAULTS = {
    "409": wrong.status(409, "Conflict"),
    "429": wrong.status(429, "TooManyRequests", retry_after=1),
    "500": wrong.status(500, "InternalError"),
    "503": wrong.status(503, "ServiceUnavailable"),
    "a page of a load balancer": wrong.page(502, "<html>Bad Gateway</html>"),
    "a page that says 200": wrong.page(200, "<html>Welcome</html>"),
    "silence": wrong.hang,
    "hanging up": wrong.reset,
    "hanging up when it is done": wrong.carry_out_then_reset,
}


@pytest.fixture(scope="module")
def proxy(account: Path, kube: Kube) -> Iterator[FaultyProxy]:
    """Stands between the operator and the API server."""
    with FaultyProxy(account) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def operator(proxy: FaultyProxy) -> Iterator[RunningOperator]:
    """An operator that reaches the API server only through the proxy."""
    with running_operator(proxy.kubeconfig, IMPATIENT) as operator:
        yield operator


@pytest.mark.parametrize("fault", FAULTS)
def test_writes_that_fail_are_made_up_for(
    fault: str,
    proxy: FaultyProxy,
    operator: RunningOperator,
    spaces: Spaces,
    database: Space,
) -> None:
    kept = spaces({PROFILE: "standard", access("postgres"): "true"})
    good = kept.has_profile("standard")
    gone = spaces({PROFILE: "internal"})
    gone.has()
    foreign = kept.write("hand-made")
    with proxy.fault(FAULTS[fault], methods=WRITES, path=CNP) as broken:
        kept.label({PROFILE: "internal", access("postgres"): None})
        gone.label({PROFILE: None})
        new = spaces({PROFILE: "isolated", access("postgres"): "true"})
        eventually(lambda: broken.hits >= 5, "the operator to try")
        if fault != "hanging up when it is done":
            assert kept.policy() == good, "the last good policy stays"
            assert new.policies() == {}
        logged(operator, "Not done, again in", kept.name)
    kept.has_profile("internal")
    kept.holds_only(PROFILE_POLICY, "hand-made")
    gone.holds_only()
    new.has_profile("isolated")
    eventually(
        lambda: (
            new.name in consumers(database.policy("homelab-grant-postgres"))
            and kept.name not in consumers(database.policy("homelab-grant-postgres"))
        ),
        "the resource's side to follow",
    )
    assert kept.policy("hand-made") == foreign


def test_a_conflict_with_somebody_elses_edit_is_settled(
    proxy: FaultyProxy, operator: RunningOperator, spaces: Spaces
) -> None:
    app = spaces({PROFILE: "internal"})
    app.has()
    with proxy.fault(wrong.hang, methods=["PUT"], path=cnp_path(app.name), times=1) as held:
        app.label({PROFILE: "standard"})
        eventually(lambda: held.hits, "the operator to write")
        app.change({"metadata": {"labels": {"team": "blue"}}})
    policy = app.has_profile("standard")
    assert policy["metadata"]["labels"]["team"] == "blue"


def test_a_watch_that_brings_nothing_is_made_up_for_by_the_resync(
    proxy: FaultyProxy, operator: RunningOperator, spaces: Spaces
) -> None:
    app = spaces({PROFILE: "internal"})
    first = uid_of(app.has())
    with proxy.fault(wrong.silence, path="watch=true") as silent:
        proxy.cut()
        eventually(lambda: silent.hits >= 3, "the watches to be opened again")
        other = spaces({PROFILE: "isolated"})
        other.has_profile("isolated")
        app.drop()
        eventually(lambda: uid_of(app.has()) != first, "the deleted policy to come back")
        app.label({PROFILE: "intrenal"})
        app.told("ProfileUnknown")
        other.label({PROFILE: None})
        other.holds_only()
    spaces({PROFILE: "internal"}).has_profile("internal")


@pytest.mark.parametrize("fault", ["503", "hanging up"])
def test_lists_that_fail_are_said_and_the_watches_go_on(
    fault: str, proxy: FaultyProxy, operator: RunningOperator, spaces: Spaces
) -> None:
    failed = sum(series(operator, "resyncs_total", result="failed"))
    with proxy.fault(FAULTS[fault], methods=["GET"], path="limit=500") as broken:
        eventually(lambda: broken.hits, "the operator to list")
        eventually(
            lambda: sum(series(operator, "resyncs_total", result="failed")) > failed,
            "the metric to show it",
        )
        spaces({PROFILE: "internal"}).has_profile("internal")
    logged(operator, "The resync could not list the cluster")
    resync(operator)


def test_watches_that_are_cut_are_opened_again(
    proxy: FaultyProxy, operator: RunningOperator, spaces: Spaces
) -> None:
    for _ in range(3):
        proxy.cut()
    spaces({PROFILE: "internal"}).has_profile("internal")
    assert operator.running


@pytest.mark.parametrize("fault", ["429", "503"])
def test_watches_that_are_refused_are_opened_again(
    fault: str, proxy: FaultyProxy, operator: RunningOperator, spaces: Spaces
) -> None:
    with proxy.fault(FAULTS[fault], path="watch=true", times=4) as refused:
        proxy.cut()
        eventually(lambda: refused.hits == 4, "the watches to be refused")
    with proxy.fault(FAULTS["503"], methods=["GET"], path="limit=500"):
        spaces({PROFILE: "internal"}).has_profile("internal")  # no resync helps
