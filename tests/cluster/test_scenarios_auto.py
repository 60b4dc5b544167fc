"""Installed on a running cluster: nobody is cut off, and the last label closes it by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import faults as wrong
from tests.cluster.audited import HOME
from tests.cluster.conftest import QUICK
from tests.cluster.faulty_proxy import FaultyProxy
from tests.cluster.kube import Kube, ccnp_path, cnp_path, eventually
from tests.cluster.spaces import ENFORCEMENT, PLATFORM, PROFILE, PROFILE_POLICY, Space, Spaces
from tests.cluster.watched import logged, resync, shows
from tests.cluster.workloads import Workloads
from tests.running_operator import RunningOperator, running_operator

Start = Callable[..., AbstractContextManager[RunningOperator]]
BASELINES = ("baseline-dns-egress", "baseline-health-probes", "baseline-prometheus-scrape")
ADDITIVE = {"ingress": False, "egress": False}
APP = {"app": "web"}


@pytest.fixture(autouse=True)
def _nothing_stands(kube: Kube) -> None:
    """No operator has ever run here."""
    kube.wait_for_deletions()
    for name in (*BASELINES, "baseline-kube-api-access", "baseline-hbone-mesh"):
        kube.delete(ccnp_path(name))


@pytest.fixture
def start(account: Path) -> Start:
    """Starts an operator; the setting `defaultDeny` is left as it comes."""

    def starting(**settings: Any) -> AbstractContextManager[RunningOperator]:
        return running_operator(account, {**QUICK, "inspectionSeconds": 1, **settings})

    return starting


@pytest.fixture
def apps(spaces: Spaces, workloads: Workloads) -> list[Space]:
    """Two apps that run, without labels of ours."""
    made = [spaces(), spaces()]
    for app in made:
        workloads.pod(app.name, APP)
    return made


def closed_by(kube: Kube, name: str) -> bool:
    """The baseline switches on default deny for some pods."""
    baseline = kube.ccnp(name)
    specs = (baseline or {}).get("specs") or ()
    return any(each.get("enableDefaultDeny") != ADDITIVE for each in specs)


def is_closed(kube: Kube) -> bool:
    """All baselines do."""
    return all(closed_by(kube, name) for name in BASELINES)


def is_open(kube: Kube) -> bool:
    """All baselines stand, and none does."""
    stand = all(kube.ccnp(name) for name in BASELINES)
    return stand and not any(closed_by(kube, name) for name in BASELINES)


def closes(kube: Kube) -> None:
    """Waits for all of them to do so."""
    eventually(lambda: is_closed(kube), "the baselines to close the cluster")


def told(kube: Kube, reason: str, *words: str) -> None:
    """Waits for an Event about a baseline; of what belongs to no namespace it is in `default`."""

    def look() -> bool:
        return any(
            event["reason"] == reason
            and event["involvedObject"]["name"] == BASELINES[0]
            and all(word in event["message"] for word in words)
            for event in kube.items("/api/v1/namespaces/default/events")
        )

    eventually(look, f"an Event {reason} that says {words}")


def test_label_one_after_the_other_and_the_last_label_closes_the_cluster_for_good(
    start: Start, apps: list[Space], spaces: Spaces, workloads: Workloads, kube: Kube
) -> None:
    first, second = apps
    spaces()  # without pods, it keeps nothing open
    with start() as operator:
        assert is_open(kube)
        shows(operator, 1, "default_deny_waiting")
        shows(operator, 2, "default_deny_open_namespaces")
        text = operator.get("/readyz")
        assert "defaultDeny is auto and acts as labelled" in text
        assert first.name in text
        assert second.name in text
        told(kube, "DefaultDenyWaits", first.name, second.name, "docs/adopting.md")
        first.label({PROFILE: "isolated"})
        first.has_profile("isolated")
        shows(operator, 1, "default_deny_open_namespaces")
        resync(operator, 2)
        assert is_open(kube)
        text = operator.get("/readyz")
        assert second.name in text
        assert first.name not in text
        second.label({PROFILE: "internal"})
        closes(kube)
        shows(operator, 0, "default_deny_waiting")
        shows(operator, 0, "default_deny_open_namespaces")
        assert operator.get("/readyz") == "ok\n"
        told(kube, "DefaultDenyClosed", "for good")
        late = spaces()
        workloads.pod(late.name, APP)
        resync(operator, 3)
        assert is_closed(kube), "who comes later does not open it again"
    with start() as operator:
        resync(operator, 2)
        assert is_closed(kube), "nor does a restart"
        assert operator.get("/readyz") == "ok\n"
        shows(operator, 0, "default_deny_waiting")


def test_a_new_cluster_is_closed_by_the_time_the_operator_is_ready(
    start: Start, kube: Kube, spaces: Spaces, workloads: Workloads
) -> None:
    opened, labelled = spaces({ENFORCEMENT: "disabled"}), spaces({PROFILE: "isolated"})
    hand_kept, on_host = spaces({PLATFORM: "true"}), spaces()
    by_pattern = spaces(name=f"{spaces.fresh_name()}-system")
    for each in (opened, labelled, hand_kept, by_pattern):
        workloads.pod(each.name, APP)
    workloads.pod(on_host.name, APP, host_network=True)
    ended = workloads.pod(on_host.name, APP)
    kube.patch(f"{ended}/status", {"status": {"phase": "Succeeded"}})
    with start():
        assert is_closed(kube)


@pytest.mark.usefixtures("apps")
@pytest.mark.parametrize("before", ["auto", "labelled"])
def test_an_explicit_scope_is_obeyed_at_once(start: Start, kube: Kube, before: str) -> None:
    with start(defaultDeny=before):
        assert is_open(kube)
    with start(defaultDeny="workload") as operator:
        assert is_closed(kube)
        assert operator.get("/readyz") == "ok\n"
    with start(defaultDeny="labelled"):
        assert is_open(kube)
    with start():
        assert is_open(kube), "what was opened on purpose closes as anew"


@pytest.mark.usefixtures("apps")
def test_the_rules_that_stand_are_the_memory_whatever_labels_somebody_takes_off(
    start: Start, kube: Kube
) -> None:
    with start(defaultDeny="workload"):
        assert is_closed(kube)
    for name in BASELINES:
        kube.patch(ccnp_path(name), {"metadata": {"labels": None, "annotations": None}})
    with start() as operator:
        resync(operator)
        assert is_closed(kube)


@pytest.mark.usefixtures("apps")
def test_a_baseline_that_is_closed_by_hand_is_opened_again(start: Start, kube: Kube) -> None:
    with start():
        (spec,) = (kube.ccnp(BASELINES[0]) or {})["specs"]
        closing = {**spec, "enableDefaultDeny": {"ingress": True, "egress": True}}
        kube.patch(ccnp_path(BASELINES[0]), {"specs": [closing]})
        eventually(lambda: is_open(kube), "the baseline to be put back")


def test_a_profile_whose_policy_does_not_stand_keeps_the_cluster_open(
    start: Start, apps: list[Space], kube: Kube
) -> None:
    first, second = apps
    second.label({PROFILE: "isolated"})
    first.write(PROFILE_POLICY)
    first.label({PROFILE: "isolated"})
    with start() as operator:
        resync(operator, 2)
        assert is_open(kube)
        assert first.name in operator.get("/readyz")
        kube.delete(cnp_path(first.name, PROFILE_POLICY))
        closes(kube)


def test_while_pods_cannot_be_listed_the_cluster_stays_open_and_that_is_said(
    account: Path, kube: Kube, spaces: Spaces
) -> None:
    settings = {**QUICK, "inspectionSeconds": 1}
    with FaultyProxy(account) as proxy:
        with (
            proxy.fault(wrong.status(403), methods=["GET"], path="/api/v1/pods"),
            running_operator(proxy.kubeconfig, settings) as operator,
        ):
            assert is_open(kube)
            shows(operator, 1, "default_deny_waiting")
            assert "which namespaces have pods is not known" in operator.get("/readyz")
            logged(operator, "which namespaces have pods is not known")
            spaces({PROFILE: "isolated"}).has_profile("isolated")
            resync(operator, 2)
            assert is_open(kube)
        with running_operator(proxy.kubeconfig, settings):
            assert is_closed(kube)


@pytest.fixture
def elected(kube: Kube) -> Iterator[Mapping[str, Any]]:
    """Settings of an operator that has a standby."""
    election = {"enabled": True, "namespace": HOME, "leaseSeconds": 3}
    yield {"leaderElection": election}
    kube.delete(f"/apis/coordination.k8s.io/v1/namespaces/{HOME}/leases/homelab-netpol")


def test_a_standby_that_takes_over_goes_on_where_the_leader_was(
    start: Start, elected: Mapping[str, Any], apps: list[Space], spaces: Spaces, kube: Kube
) -> None:
    with start(**elected) as leader:
        shows(leader, 1, "leader")
        with start(**elected) as standby:
            shows(standby, 0, "default_deny_waiting")
            for app in apps:
                app.label({PROFILE: "isolated"})
            closes(kube)
            apps[0].label({PROFILE: None})
            apps[0].lacks(PROFILE_POLICY)
            leader.kill()
            shows(standby, 1, "leader")
            spaces({PROFILE: "isolated"}).has_profile("isolated")
            resync(standby, 2)
            assert is_closed(kube)
