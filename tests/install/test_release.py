"""A Helm release on a real API server: installed, upgraded, uninstalled, installed again."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lab.control_plane import ControlPlane
from tests.cluster.kube import Kube, eventually
from tests.install.rendered import CHART, HOME, MANIFESTS, VALUES, Manifest, chart, helm, run
from tests.programs import kubectl

_ADMISSION = "/apis/admissionregistration.k8s.io/v1"
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_MONITORING = "/apis/monitoring.coreos.com/v1"
_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_CRD = f"{_DEFINITIONS}/networkprofiles.network-policy.homelab"
_PROFILES = "/apis/network-policy.homelab/v1alpha1/networkprofiles"
_BUDGET = f"/apis/policy/v1/namespaces/{HOME}/poddisruptionbudgets/{HOME}"
_DEPLOYMENT = f"/apis/apps/v1/namespaces/{HOME}/deployments/{HOME}"
# Every kind that the chart has something of.
_COLLECTIONS = {
    "ClusterRole": f"{_RBAC}/clusterroles",
    "ClusterRoleBinding": f"{_RBAC}/clusterrolebindings",
    "Role": f"{_RBAC}/roles",
    "RoleBinding": f"{_RBAC}/rolebindings",
    "ConfigMap": "/api/v1/configmaps",
    "Service": "/api/v1/services",
    "ServiceAccount": "/api/v1/serviceaccounts",
    "Deployment": "/apis/apps/v1/deployments",
    "PodDisruptionBudget": "/apis/policy/v1/poddisruptionbudgets",
    "CiliumNetworkPolicy": "/apis/cilium.io/v2/ciliumnetworkpolicies",
    "CustomResourceDefinition": _DEFINITIONS,
    "ValidatingAdmissionPolicy": f"{_ADMISSION}/validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": f"{_ADMISSION}/validatingadmissionpolicybindings",
    "PodMonitor": f"{_MONITORING}/podmonitors",
    "PrometheusRule": f"{_MONITORING}/prometheusrules",
}
_EVERYTHING = tuple(VALUES[name] for name in ("mesh", "admission", "monitoring"))
_PROFILE: Manifest = {
    "apiVersion": "network-policy.homelab/v1alpha1",
    "kind": "NetworkProfile",
    "metadata": {"name": "media"},
    "spec": {"extends": "internal"},
}


def test_every_kind_of_the_chart_is_looked_at_here() -> None:
    assert {each["kind"] for each in chart(*_EVERYTHING)} == set(_COLLECTIONS)


class Release:
    """The release homelab-netpol in the namespace of that name."""

    def __init__(self, plane: ControlPlane) -> None:
        self._cluster = ["--kubeconfig", str(plane.kubeconfig), "--kube-context", plane.context]
        self._cluster += ["--namespace", HOME]

    def install(self, source: Path, *values: Mapping[str, Any], more: tuple[str, ...] = ()) -> str:
        """As a user does it, who has read docs/install.md; returns the notes."""
        start = ("upgrade", "--install", HOME, str(source), "--create-namespace", *more)
        return helm(*start, *self._cluster, values=values)

    def uninstall(self) -> None:
        """Takes it away."""
        helm("uninstall", HOME, *self._cluster, "--wait")


@pytest.fixture(scope="module")
def release(plane: ControlPlane) -> Release:
    """The release, which is not installed yet."""
    return Release(plane)


@pytest.fixture
def older_chart(tmp_path: Path) -> Path:
    """The chart as it might have been before: its NetworkProfile has no short name."""
    folder = tmp_path / HOME
    shutil.copytree(CHART, folder)
    definition = folder / "files" / "crds" / "networkprofiles.yaml"
    definition.write_text(re.sub(r"\n *shortNames: .*", "", definition.read_text()))
    return folder


def test_from_the_first_installation_to_the_last_nothing_of_the_users_is_lost(
    release: Release, older_chart: Path, admin: Kube
) -> None:
    before = _installed(admin)
    notes = release.install(older_chart, *_EVERYTHING)
    assert "runs in the namespace homelab-netpol" in notes
    eventually(lambda: admin.get(_PROFILES), "profiles to be served")
    assert "shortNames" not in _names_of_profiles(admin)
    admin.create(_PROFILES, _PROFILE)
    written = admin.get(f"{_PROFILES}/{_PROFILE['metadata']['name']}")

    # An upgrade reaches the definitions, and takes away what a component had brought.
    release.install(CHART, {"replicas": 1})
    assert _names_of_profiles(admin)["shortNames"] == ["netprofile"]
    assert admin.get(_BUDGET) is None
    assert not [name for name in _installed(admin) if name.startswith("ValidatingAdmission")]

    # An uninstall leaves the definitions, and the users' objects with them; and nothing else.
    release.uninstall()
    assert _installed(admin) - before == {
        "CustomResourceDefinition networkprofiles.network-policy.homelab",
        "CustomResourceDefinition sharedresources.network-policy.homelab",
    }
    release.install(CHART)
    assert admin.get(f"{_PROFILES}/{_PROFILE['metadata']['name']}") == written
    release.uninstall()


def test_a_release_can_take_over_from_the_kustomization(
    release: Release, plane: ControlPlane, admin: Kube
) -> None:
    run([*kubectl(plane), "apply", "-k", str(MANIFESTS / "base")])
    with pytest.raises(subprocess.CalledProcessError):
        release.install(CHART)
    release.install(CHART, more=("--take-ownership", "--force-conflicts"))
    deployment = admin.get(_DEPLOYMENT)
    assert deployment is not None
    assert deployment["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "Helm"
    release.uninstall()


def _names_of_profiles(admin: Kube) -> Manifest:
    definition = admin.get(_CRD)
    assert definition is not None
    return dict(definition["spec"]["names"])


def _installed(admin: Kube) -> set[str]:
    """Kinds and names of what a person would find of the chart's, in the whole cluster."""
    return {
        f"{kind} {name}"
        for kind, collection in _COLLECTIONS.items()
        for name in (each["metadata"]["name"] for each in admin.items(collection))
        if "homelab" in name
    }
