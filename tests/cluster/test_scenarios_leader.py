"""Two operators: one writes, the other waits and takes over."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from tests.cluster import faults as wrong
from tests.cluster.audited import HOME
from tests.cluster.conftest import QUICK
from tests.cluster.faulty_proxy import FaultyProxy
from tests.cluster.kube import Kube, eventually
from tests.cluster.spaces import ENFORCEMENT, HATCH_POLICY, PROFILE, Spaces
from tests.cluster.watched import resync, series, shows
from tests.running_operator import RunningOperator, running_operator

LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{HOME}/leases/homelab-netpol"
ELECTED = {
    **QUICK,
    "leaderElection": {"enabled": True, "namespace": HOME, "leaseSeconds": 3},
}


def holder(kube: Kube) -> str:
    """Who holds the Lease; "" when nobody does."""
    lease = kube.get(LEASE)
    return (lease or {}).get("spec", {}).get("holderIdentity") or ""


@pytest.fixture
def pair(account: Path, kube: Kube) -> Iterator[tuple[RunningOperator, RunningOperator]]:
    """A leader and a standby."""
    with running_operator(account, ELECTED) as leader:
        shows(leader, 1, "leader")
        with running_operator(account, ELECTED) as standby:
            yield leader, standby
    kube.delete(LEASE)


def test_only_the_leader_writes_and_the_standby_takes_over_when_it_dies(
    pair: tuple[RunningOperator, RunningOperator], spaces: Spaces, kube: Kube
) -> None:
    leader, standby = pair
    known = spaces({PROFILE: "internal", ENFORCEMENT: "disabled"})
    known.has_profile("internal")
    known.has(HATCH_POLICY)
    resync(leader)
    assert series(standby, "leader") == [0]
    assert sum(series(standby, "writes_total")) == 0
    known.label({PROFILE: "intrenal"})
    known.told("ProfileUnknown", "'internal' stays in force")
    before = known.policy()
    leader.kill()
    later = spaces({PROFILE: "standard"})
    shows(standby, 1, "leader")
    later.has_profile("standard")
    resync(standby)
    assert known.policy() == before, "a standby remembers what was last good, too"
    shows(standby, 1, "enforcement_disabled", namespace=known.name)


def test_a_leader_that_is_stopped_hands_over_at_once(
    pair: tuple[RunningOperator, RunningOperator], spaces: Spaces, kube: Kube
) -> None:
    leader, standby = pair
    first = holder(kube)
    leader.stop()
    lease = kube.get(LEASE) or {}
    assert lease["spec"].get("holderIdentity") != first, "given back, not left to expire"
    shows(standby, 1, "leader")
    spaces({PROFILE: "internal"}).has_profile("internal")


def test_a_leader_that_cannot_renew_stops_before_another_takes_over(
    account: Path, kube: Kube, spaces: Spaces
) -> None:
    with (
        FaultyProxy(account) as proxy,
        running_operator(proxy.kubeconfig, ELECTED) as cut_off,
    ):
        shows(cut_off, 1, "leader")
        first = holder(kube)
        with (
            running_operator(account, ELECTED) as standby,
            proxy.fault(wrong.hang, path="/leases"),
        ):
            eventually(lambda: holder(kube) not in ("", first), "the standby to take over")
            assert not leads(cut_off), "two would lead"
            shows(standby, 1, "leader")
            eventually(lambda: not cut_off.running, "it to end")
        cut_off.kill()
    kube.delete(LEASE)


def test_a_leader_that_slept_through_its_lease_writes_nothing_when_it_wakes(
    account: Path, kube: Kube, spaces: Spaces
) -> None:
    with (
        FaultyProxy(account) as proxy,
        running_operator(proxy.kubeconfig, ELECTED) as sleeper,
    ):
        shows(sleeper, 1, "leader")
        apps = [spaces({}) for _ in range(30)]
        with running_operator(account, ELECTED) as standby:
            os.kill(sleeper.pid, signal.SIGSTOP)
            for app in apps:  # which it hears of when it wakes
                app.label({PROFILE: "internal"})
            shows(standby, 1, "leader")
            for app in apps:
                app.has_profile("internal")
            changes = {"POST", "PUT", "DELETE"}
            with proxy.fault(carried_out, methods=changes, path="ciliumnetworkpol") as written:
                os.kill(sleeper.pid, signal.SIGCONT)
                eventually(lambda: not sleeper.running, "it to end")
            assert written.hits == 0
        sleeper.kill()
    kube.delete(LEASE)


async def carried_out(
    _: wrong.Fault, request: web.Request, forward: wrong.Forward
) -> web.StreamResponse:
    """No fault: what it takes is only counted."""
    return await forward(request)


def leads(operator: RunningOperator) -> bool:
    """The operator is there, and believes that it leads."""
    try:
        return series(operator, "leader") == [1]
    except OSError:
        return False
