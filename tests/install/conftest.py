"""Fixtures: a control plane that knows every kind that is installed, and an empty namespace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
import yaml

from lab.control_plane import ControlPlane, Lab
from tests.cluster.kube import Kube, Manifest
from tests.install.rendered import HOME
from tests.tools import module_directory

# Where those who make the kinds keep their definitions: the module, and its files.
_PROMETHEUS = "example/prometheus-operator-crd/monitoring.coreos.com_"
_MONITORING = (
    ("github.com/prometheus-operator/prometheus-operator", f"{_PROMETHEUS}podmonitors.yaml"),
    ("github.com/prometheus-operator/prometheus-operator", f"{_PROMETHEUS}prometheusrules.yaml"),
    ("github.com/prometheus-operator/prometheus-operator", f"{_PROMETHEUS}servicemonitors.yaml"),
)
_GITOPS = (
    ("github.com/fluxcd/source-controller", "config/crd/bases/*.yaml"),
    ("github.com/fluxcd/kustomize-controller", "config/crd/bases/*.yaml"),
    ("github.com/fluxcd/helm-controller", "config/crd/bases/*.yaml"),
    ("github.com/argoproj/argo-cd/v3", "manifests/crds/application-crd.yaml"),
)


def _definitions(places: Sequence[tuple[str, str]]) -> list[Manifest]:
    return [
        yaml.safe_load(file.read_text())
        for module, pattern in places
        for file in sorted(module_directory(module).glob(pattern))
    ]


@pytest.fixture(scope="module")
def plane(lab: Lab) -> Iterator[ControlPlane]:
    """A control plane of the module's own, where things are installed for good."""
    with ControlPlane(lab=lab, istio=True) as plane:
        # Not while it starts: on a busy machine its parts would wait too long for each other.
        plane.install_crds(_definitions(_MONITORING))
        yield plane


@pytest.fixture(scope="module")
def gitops(plane: ControlPlane) -> None:
    """Lets that control plane know the kinds of Flux and of Argo CD."""
    plane.install_crds(_definitions(_GITOPS))


@pytest.fixture(scope="module")
def admin(plane: ControlPlane) -> Iterator[Kube]:
    """The administrator of that control plane."""
    kube = Kube(plane.kubeconfig, plane.context)
    yield kube
    kube.close()


@pytest.fixture(scope="module")
def home(admin: Kube) -> str:
    """The operator's namespace: in a missing one, a dry run can make nothing."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    admin.create("/api/v1/namespaces", {"metadata": {"name": HOME, "labels": labels}})
    return HOME
