"""A cluster of IPv6 alone, as far as loopback goes: API server, Lease, watches, own server."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from homelab_netpol.package_data import own_crds
from lab.control_plane import ControlPlane, Lab
from tests.cluster.kube import Kube
from tests.cluster.spaces import ENFORCEMENT, HATCH_POLICY, PROFILE, Spaces
from tests.cluster.watched import shows
from tests.running_operator import RunningOperator, running_operator

SETTINGS = {
    "server": {"address": "::1"},
    "leaderElection": {"enabled": True, "namespace": "default"},
    "inspectionSeconds": 1,
}


def _has_loopback() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.fixture(scope="module")
def plane(lab: Lab) -> Iterator[ControlPlane]:
    """A control plane of its own, whose API server has no IPv4 address."""
    if not _has_loopback():
        # An API server without an IPv4 address can only listen there.
        pytest.skip("this machine has no ::1")
    with ControlPlane(lab=lab, crds=own_crds(), ipv6=True) as started:
        yield started


@pytest.fixture(scope="module")
def operator(plane: ControlPlane) -> Iterator[RunningOperator]:
    """The operator, which leads by a Lease and answers on ::1 alone."""
    with running_operator(plane.kubeconfig, SETTINGS) as running:
        yield running


@pytest.fixture
def spaces(plane: ControlPlane) -> Iterator[Spaces]:
    """Makes Namespaces there, and takes them away after the test."""
    kube = Kube(plane.kubeconfig, plane.context)
    made = Spaces(kube)
    yield made
    made.clear()
    kube.close()


def test_labels_are_followed_by_way_of_an_ipv6_address(
    plane: ControlPlane, operator: RunningOperator, spaces: Spaces
) -> None:
    assert plane.server.startswith("https://[::1]:")
    shows(operator, 1, "leader")
    app = spaces({PROFILE: "standard"})
    app.has_profile("standard")
    app.label({ENFORCEMENT: "disabled"})
    app.has(HATCH_POLICY)
    assert operator.get("/readyz").startswith("ok")


def test_the_watches_come_back_after_the_api_server_has(
    plane: ControlPlane, operator: RunningOperator, spaces: Spaces
) -> None:
    plane.restart_apiserver()
    spaces({PROFILE: "isolated"}).has_profile("isolated")
    shows(operator, 1, "leader")
