"""The node that all tests here share, and the homelab on it. docs/datapath.md says what for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from homelab_netpol.package_data import own_crds
from lab.control_plane import ControlPlane, Lab, LocalClusterError
from lab.datapath.agent import LABELS_LEFT_OUT
from lab.datapath.datapath import Datapath
from lab.datapath.drops import Drops
from lab.datapath.echo import Echo
from lab.datapath.packets import Prober
from lab.datapath.requirements import missing
from tests.cluster.kube import Kube
from tests.cluster.service_account import operator_account
from tests.datapath.changes import Changes
from tests.datapath.home import APP, Home
from tests.datapath.recorder import Recorder
from tests.datapath.settled import Packets
from tests.recorded.corpus import SETTINGS
from tests.running_operator import RunningOperator, running_operator

# `required`: a machine that cannot send packets is an error, not a reason to skip.
VARIABLE = "HOMELAB_NETPOL_DATAPATH"
# Writes tests/recorded anew.
RECORD = "HOMELAB_NETPOL_RECORD"


@pytest.fixture(scope="session")
def _machine() -> None:
    """Skips what the machine cannot do, and says why."""
    if reason := missing():
        if os.environ.get(VARIABLE) == "required":
            pytest.fail(f"{VARIABLE}=required, but no packets can be sent: {reason}", pytrace=False)
        # Root, eBPF and clang are no condition of a checkout; VARIABLE makes them one.
        pytest.skip(f"no packets can be sent here: {reason}")


@pytest.fixture(scope="session")
def plane(_machine: None, lab: Lab) -> Iterator[ControlPlane]:
    """The control plane, with the part of Cilium's operator that says which policies are valid."""
    try:
        with ControlPlane(lab=lab, crds=own_crds(), validator=True) as plane:
            yield plane
    except LocalClusterError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None


@pytest.fixture(scope="session")
def datapath(plane: ControlPlane) -> Iterator[Datapath]:
    """The node; its agent has the default delays of identities, and the labels that docs advise."""
    try:
        with Datapath(plane.kubeconfig, agent_options=LABELS_LEFT_OUT) as datapath:
            yield datapath
    except LocalClusterError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None


@pytest.fixture(scope="session")
def kube(plane: ControlPlane) -> Iterator[Kube]:
    """The cluster, as its administrator sees it."""
    kube = Kube(plane.kubeconfig, plane.context)
    yield kube
    kube.close()


@pytest.fixture(scope="session")
def home(datapath: Datapath, kube: Kube) -> Iterator[Home]:
    """The homelab; nobody has installed the operator yet."""
    with Echo() as echo:
        home = Home(datapath, kube, echo)
        home.build()
        yield home


@pytest.fixture(scope="session")
def packets(datapath: Datapath, home: Home) -> Packets:
    """Sends packets between the hosts."""
    return Packets(home, Prober(Drops(datapath.agent.drops)), datapath.agent)


@pytest.fixture(scope="session")
def account(plane: ControlPlane) -> Iterator[Path]:
    """A kubeconfig of the operator's service account, with the rights of manifests/base."""
    with operator_account(plane) as kubeconfig:
        yield kubeconfig


@pytest.fixture(scope="module")
def operator(account: Path, home: Home) -> Iterator[RunningOperator]:
    """The operator, for all tests of a module."""
    with running_operator(account, SETTINGS) as operator:
        yield operator


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The operator's settings, for commands."""
    path = tmp_path_factory.mktemp("settings") / "settings.yaml"
    path.write_text(yaml.safe_dump(SETTINGS), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def recorder(kube: Kube) -> Recorder:
    """Keeps flows in tests/recorded, if RECORD is set."""
    return Recorder(kube, wanted=bool(os.environ.get(RECORD)))


@pytest.fixture
def changes(home: Home, kube: Kube, operator: RunningOperator) -> Iterator[Changes]:
    """What a test has the app's Namespace say and defines; taken back after it."""
    made = Changes(kube, home.space(APP))
    yield made
    made.undo()


@pytest.fixture(autouse=True)
def _nothing_refused(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test during which the agent refused a policy that the API server had taken."""
    yield
    if "datapath" in request.fixturenames:
        request.getfixturevalue("datapath").agent.check()
