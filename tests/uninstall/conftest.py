"""A homelab in a control plane of its own: what is counted here is everything in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from homelab_netpol.package_data import own_crds
from lab.control_plane import ControlPlane, Lab
from tests.cluster.kube import Kube
from tests.cluster.service_account import operator_account
from tests.cluster.watched import resync
from tests.running_operator import running_operator
from tests.uninstall import cleaning
from tests.uninstall.cleaning import SETTINGS, Snapshot, managed


@pytest.fixture(scope="module")
def plane(lab: Lab) -> Iterator[ControlPlane]:
    """The control plane of a module."""
    with ControlPlane(lab=lab, istio=True, crds=own_crds()) as plane:
        yield plane


@pytest.fixture(scope="module")
def kube(plane: ControlPlane) -> Iterator[Kube]:
    """That control plane, seen without the operator; furnished as a homelab."""
    kube = Kube(plane.kubeconfig, plane.context)
    cleaning.furnish(kube)
    yield kube
    kube.close()


@pytest.fixture(scope="module")
def account(plane: ControlPlane) -> Iterator[Path]:
    """A kubeconfig of the operator's account."""
    with operator_account(plane, admission=True) as kubeconfig:
        yield kubeconfig


@pytest.fixture(scope="module")
def before(kube: Kube, account: Path) -> Snapshot:
    """Everything in the cluster before the operator ran for the first time."""
    assert account.is_file(), "whose roles are there already"
    return cleaning.still(kube)


@pytest.fixture
def used(before: Snapshot, kube: Kube, account: Path) -> None:
    """The operator ran, and was stopped."""
    assert before
    with running_operator(account, SETTINGS) as operator:
        resync(operator)
    assert len(managed(kube)) > 20
