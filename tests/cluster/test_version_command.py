"""`homelab-netpol version --cluster`: what a cluster runs, as far as the account may see it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from homelab_netpol import __version__
from homelab_netpol.cli.main import main
from lab.control_plane import Cluster
from tests.cluster.audited import HOME
from tests.cluster.kube import Kube
from tests.cluster.service_account import ACCOUNTS, install, write_kubeconfig

APPS = "/apis/apps/v1/namespaces"
OPERATOR, AGENTS = f"{APPS}/default/deployments", f"{APPS}/kube-system/daemonsets"


def workload(kind: str, name: str, labels: dict[str, str], image: str) -> dict[str, Any]:
    containers = [{"name": "main", "image": image}]
    template = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "labels": labels},
        "spec": spec,
    }


@pytest.fixture
def running(kube: Kube) -> Iterator[None]:
    """The operator's Deployment and Cilium's agents, as objects without pods."""
    ours = {"app.kubernetes.io/name": "homelab-netpol"}
    kube.create(OPERATOR, workload("Deployment", "operator-of-test", ours, "netpol:1.2.3"))
    agents = workload("DaemonSet", "cilium", {"k8s-app": "cilium"}, "quay.io/cilium:v1.20.1")
    kube.create(AGENTS, agents)
    yield
    kube.delete(f"{OPERATOR}/operator-of-test")
    kube.delete(f"{AGENTS}/cilium")


@pytest.mark.usefixtures("running")
def test_it_names_the_images_and_the_kinds_that_are_served(cluster: Cluster) -> None:
    arguments = ["version", "--cluster", "-o", "json", "--kubeconfig", str(cluster.kubeconfig)]
    done = CliRunner().invoke(main, [*arguments, "--context", cluster.context])
    assert done.exit_code == 0, done.output
    data = json.loads(done.stdout)
    assert data["client"]["homelab-netpol"] == __version__
    found = data["cluster"]
    assert found["kubernetes"].startswith("v1.")
    images = {each["name"]: each["images"] for each in (*found["operator"], *found["cilium"])}
    assert images["operator-of-test"] == ["netpol:1.2.3"]
    assert images["cilium"] == ["quay.io/cilium:v1.20.1"]
    assert found["resources"]["networkprofiles.network-policy.homelab"] == ["v1alpha1"]
    assert "v2" in found["resources"]["ciliumnetworkpolicies.cilium.io"]


@pytest.fixture
def stranger(kube: Kube, cluster: Cluster, tmp_path: Path) -> Iterator[Path]:
    """A kubeconfig of an account without any rights."""
    metadata = {"name": "stranger", "namespace": HOME}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
    install(kube, [account])
    yield write_kubeconfig(kube, cluster, "stranger", tmp_path / "kubeconfig")
    kube.delete(f"{ACCOUNTS}/stranger")


def test_what_the_account_may_not_list_is_said(stranger: Path) -> None:
    done = CliRunner().invoke(main, ["version", "--cluster", "--kubeconfig", str(stranger)])
    assert done.exit_code == 3
    assert "  kubernetes v1." in done.stdout
    assert "deployments may not be listed" in done.stderr
    assert "daemonsets may not be listed" in done.stderr
