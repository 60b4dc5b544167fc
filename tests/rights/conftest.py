"""One control plane a worker: with the optional CRDs, and every request is written down."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from homelab_netpol.package_data import own_crds
from lab.control_plane import Lab
from tests.cluster.audited import AuditedPlane
from tests.cluster.conftest import PLATFORM, spaces
from tests.cluster.gateway_api import gateway_crds
from tests.cluster.kube import Kube
from tests.cluster.spaces import Spaces
from tests.rights.stage import Stage

__all__ = ["spaces"]


@pytest.fixture(scope="session")
def plane(lab: Lab) -> Iterator[AuditedPlane]:
    """The control plane."""
    crds = [*own_crds(), *gateway_crds(), *lab.network_policy_api_crds]
    with AuditedPlane(lab=lab, istio=True, crds=crds) as plane:
        yield plane


@pytest.fixture(scope="session")
def kube(plane: AuditedPlane) -> Iterator[Kube]:
    """That control plane, as its administrator."""
    kube = Kube(plane.kubeconfig, plane.context)
    spaces = Spaces(kube)
    for name in PLATFORM:
        spaces.existing(name)
    yield kube
    kube.close()


@pytest.fixture
def stage(plane: AuditedPlane, kube: Kube, tmp_path: Path) -> Iterator[Stage]:
    """Where a scenario plays."""
    stage = Stage(plane, kube, tmp_path)
    yield stage
    stage.clear()
