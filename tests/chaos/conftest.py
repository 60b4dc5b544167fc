"""A control plane a module, watched closely; a scene a test. See README.md.

CHAOS_LONG=1 makes the runs long, CHAOS_SEED repeats one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from homelab_netpol.package_data import own_crds
from lab.control_plane import ControlPlane, Lab
from tests.chaos.audit import audit_flags, log_in
from tests.chaos.extent import LONG, SEED, SEEDS
from tests.chaos.history import FLAGS
from tests.chaos.rights import NAMESPACE, Rights
from tests.chaos.scene import SEEN, Scene, Stage
from tests.cluster.cilium_config import write_quick_identities
from tests.cluster.conftest import PLATFORM
from tests.cluster.kube import Kube
from tests.cluster.spaces import Spaces


def pytest_report_header() -> str:
    return f"chaos: seed {SEED}{', the long run' if LONG else ''}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first."""
    items.sort(key=lambda item: item.path.stem != "test_replicas")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says what was seen; by way of the reports, which workers send here."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, ()):
            for name, line in report.user_properties:
                if name == SEEN:
                    terminalreporter.write_line(f"chaos: {line}")


@pytest.fixture(params=SEEDS)
def seed(request: pytest.FixtureRequest) -> str:
    """Of all that is random."""
    value: str = request.param
    return value


@pytest.fixture(scope="module")
def stage(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A control plane of the module's own, with the namespaces and accounts that must be there."""
    folder = tmp_path_factory.mktemp("audit")
    flags = [*audit_flags(folder), *FLAGS]
    with ControlPlane(lab=lab, crds=own_crds(), apiserver_flags=flags) as plane:
        kube = Kube(plane.kubeconfig, plane.context)
        for name in (*PLATFORM, NAMESPACE):
            Spaces(kube).existing(name)
        # So that a run comes to rest soon after its last hatch has closed.
        write_quick_identities(kube)
        rights = Rights(plane, kube)
        rights.install()
        yield Stage(plane, kube, rights, log_in(folder))
        kube.close()


@pytest.fixture
def scene(
    stage: Stage,
    seed: str,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> Scene:
    """What this test does to the module's control plane."""
    return Scene(stage, tmp_path, seed, record_property)
