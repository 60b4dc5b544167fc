"""Whatever goes wrong on the way, the end state is right, and nothing passes that was not to."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from lab.control_plane import ControlPlane
from lab.datapath.datapath import Datapath
from lab.datapath.packets import Outcome
from lab.datapath.steady import Steady
from tests.cluster.kube import Kube, cnp_path, eventually
from tests.cluster.spaces import PROFILE, PROFILE_POLICY
from tests.datapath.expected import Expected
from tests.datapath.home import APP, Home
from tests.datapath.settled import Packets
from tests.running_operator import RunningOperator
from tests.truth.table import Table
from tests.truth.world import Namespace

SENDER = f"{APP}/sender"
GATEWAYS = ("gateway-internal", "gateway-external")
# Cilium's schema takes it, its validator does not, nor does an agent.
REJECTED = {"spec": {"ingress": [{"fromEndpoints": [{}], "fromEntities": ["world"]}]}}


@pytest.fixture(autouse=True)
def _labels_taken_away(home: Home) -> Iterator[None]:
    yield
    home.label_app({PROFILE: None})


class _Watched:
    """Traffic that every state allows, and some that none does."""

    def __init__(self, home: Home) -> None:
        hosts = home.hosts
        self._allowed = Steady(hosts[SENDER], hosts["kube-dns"], 53)
        self._denied = Steady(hosts[SENDER], hosts["lan-address"], 53)

    def __enter__(self) -> None:
        self._allowed.__enter__()
        self._denied.__enter__()

    def __exit__(self, *error: object) -> None:
        self._allowed.__exit__(*error)
        self._denied.__exit__(*error)
        for sent in (self._allowed.known, self._allowed.fresh):
            assert sent.packets > 0
            assert sent.lost == []
        for sent in (self._denied.known, self._denied.fresh):
            assert sent.packets > 0
            assert len(sent.lost) == sent.packets


def _as_said(home: Home, packets: Packets, profile: str) -> None:
    said = Namespace(APP, profile=profile)
    packets.do(Expected(home, Table.load()).between([SENDER], GATEWAYS, said))


def test_an_agent_that_is_killed_during_a_change_does_as_the_labels_say_when_it_is_back(
    home: Home, packets: Packets, operator: RunningOperator, datapath: Datapath
) -> None:
    home.label_app({PROFILE: "isolated"})
    _as_said(home, packets, "isolated")
    with _Watched(home):
        home.label_app({PROFILE: "standard"})
        datapath.agent.kill()
        home.label_app({PROFILE: "internal"})
        datapath.agent.start()
        datapath.agent.wait_ready()
        _as_said(home, packets, "internal")


def test_while_the_api_server_is_away_packets_do_as_before_and_follow_when_it_is_back(
    home: Home, packets: Packets, operator: RunningOperator, plane: ControlPlane
) -> None:
    home.label_app({PROFILE: "isolated"})
    _as_said(home, packets, "isolated")
    with _Watched(home):
        plane.apiserver.kill()
        _as_said(home, packets, "isolated")
        plane.apiserver.start()
        plane.wait_ready()
        home.label_app({PROFILE: "internal"})
        _as_said(home, packets, "internal")


def test_a_namespace_labelled_before_it_has_pods_is_closed_to_them_from_the_start(
    home: Home, packets: Packets, operator: RunningOperator
) -> None:
    early = Namespace("early", profile="isolated")
    home.space(early.name).label({**early.labels()})
    home.space(early.name).has_profile("isolated")
    home.add_namespace(early)
    expected = Expected(home, Table.load())
    packets.do(expected.between(["early/sender"], [*GATEWAYS, "early/receiver"]))


def test_two_namespaces_that_swap_their_profiles_in_one_moment_end_up_swapped(
    home: Home, packets: Packets, operator: RunningOperator
) -> None:
    other = "app-standard"
    home.label_app({PROFILE: "isolated"})
    _as_said(home, packets, "isolated")
    home.space(other).label({PROFILE: "isolated"})
    home.label_app({PROFILE: "standard"})
    try:
        swapped = [Namespace(other, profile="isolated"), Namespace(APP, profile="standard")]
        senders = [SENDER, f"{other}/sender"]
        packets.do(Expected(home, Table.load()).between(senders, GATEWAYS, *swapped))
    finally:
        home.space(other).label({PROFILE: "standard"})


def test_a_policy_that_cilium_rejects_changes_no_packet_and_is_told_and_written_anew(
    home: Home, packets: Packets, operator: RunningOperator, datapath: Datapath, kube: Kube
) -> None:
    home.label_app({PROFILE: "isolated"})
    _as_said(home, packets, "isolated")
    path = cnp_path(APP, PROFILE_POLICY)
    said = Namespace(APP, profile="isolated")
    expected = Expected(home, Table.load()).between([SENDER], GATEWAYS, said)
    denied = [probe for probe, passes in expected.items() if not passes]
    with _Watched(home):
        os.kill(operator.pid, signal.SIGSTOP)  # or it would put it right at once
        try:
            kube.patch(path, REJECTED)
            eventually(lambda: _validity(kube, path) == "False", "Cilium to reject it")
            eventually(datapath.agent.refusals, "the agent to refuse it")
            outcomes = packets.prober.outcomes(denied)
        finally:
            os.kill(operator.pid, signal.SIGCONT)
        home.space(APP).told("DriftReverted", PROFILE_POLICY)
        eventually(lambda: _validity(kube, path) == "True", "Cilium to take it again")
        _as_said(home, packets, "isolated")
    assert set(outcomes) == {Outcome.DROPPED}
    # It said so several times: each time when the validator wrote the status.
    assert all(PROFILE_POLICY in line for line in datapath.agent.refusals())


def _validity(kube: Kube, path: str) -> str:
    policy = kube.get(path) or {}
    conditions = (policy.get("status") or {}).get("conditions") or ()
    return next((each["status"] for each in conditions if each["type"] == "Valid"), "")
