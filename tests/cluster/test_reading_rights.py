"""Commands that read on a real API server, as an account that may only read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.control_plane import Cluster
from tests.cluster.audited import HOME
from tests.cluster.kube import Kube
from tests.cluster.service_account import MANIFESTS, install, write_kubeconfig
from tests.cluster.spaces import PROFILE, Spaces
from tests.cluster.workloads import Workloads

ROLE: dict[str, Any] = yaml.safe_load((MANIFESTS / "examples" / "reader.yaml").read_text("utf-8"))
# Half of it: neither pods nor nodes, nor anybody's configuration.
_REFUSED = {"pods", "nodes", "configmaps", "gateways"}


@pytest.fixture(scope="module")
def readers(
    cluster: Cluster, kube: Kube, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Path]]:
    """A kubeconfig of each account: with the shipped role, and with half of it."""
    half = [
        {**rule, "resources": sorted(set(rule["resources"]) - _REFUSED)} for rule in ROLE["rules"]
    ]
    roles = {"reader": ROLE["rules"], "half-a-reader": [rule for rule in half if rule["resources"]]}
    folder = tmp_path_factory.mktemp("readers")
    yield {name: _account(kube, cluster, name, rules, folder) for name, rules in roles.items()}
    for name in roles:
        for kind in ("clusterrolebindings", "clusterroles"):
            kube.delete(f"/apis/rbac.authorization.k8s.io/v1/{kind}/{name}")


def _account(kube: Kube, cluster: Cluster, name: str, rules: Any, folder: Path) -> Path:
    rbac = "rbac.authorization.k8s.io"
    metadata = {"name": name}
    install(
        kube,
        [
            {
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": {**metadata, "namespace": HOME},
            },
            {
                "apiVersion": f"{rbac}/v1",
                "kind": "ClusterRole",
                "metadata": metadata,
                "rules": rules,
            },
            {
                "apiVersion": f"{rbac}/v1",
                "kind": "ClusterRoleBinding",
                "metadata": metadata,
                "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": name},
                "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": HOME}],
            },
        ],
    )
    return write_kubeconfig(kube, cluster, name, folder / name)


def run(kubeconfig: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What `homelab-netpol` prints as an account."""
    return subprocess.run(
        [sys.executable, "-m", "homelab_netpol", *arguments, "--kubeconfig", str(kubeconfig)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(MANIFESTS.parent / "operator")},
        check=False,
    )


def test_with_the_shipped_role_all_is_read_and_nothing_else_is_asked_for(
    readers: dict[str, Path], kube: Kube, spaces: Spaces, workloads: Workloads, tmp_path: Path
) -> None:
    space = spaces()
    workloads.pod(space.name, {"app.kubernetes.io/name": "traefik"})
    found = run(readers["reader"], "detect", "-o", "json")
    assert found.returncode == 0, found.stderr
    said = json.loads(found.stdout)
    assert said["incomplete"] == []
    assert {"namespace": space.name, "podLabels": {"app.kubernetes.io/name": "traefik"}} in (
        said["settings"]["gateways"]["external"]
    )
    settings = tmp_path / "netpol.yaml"
    settings.write_text("defaultDeny: workload\n", encoding="utf-8")
    checked = run(readers["reader"], "preflight", "--config", str(settings), "-o", "json")
    assert checked.returncode == 1, checked.stderr
    report = json.loads(checked.stdout)
    assert report["incomplete"] == []
    closed = {e["where"] for e in report["problems"] if e["check"] == "closed-namespace"}
    assert space.name in closed
    space.label({PROFILE: "internal"})
    labelled = run(readers["reader"], "preflight", "--config", str(settings), "-o", "json")
    closed = {
        each["where"]
        for each in json.loads(labelled.stdout)["problems"]
        if each["check"] == "closed-namespace"
    }
    assert space.name not in closed


@pytest.mark.parametrize(
    "command",
    [
        "check platform",
        "diff cluster {1}",
        "explain -n {0}",
        "lint",
        "render",
        "scaffold platform {0}",
        "version --cluster",
        "audit --fail-on none",
    ],
)
def test_the_shipped_role_is_enough_for_every_command(
    command: str, readers: dict[str, Path], spaces: Spaces
) -> None:
    done = run(readers["reader"], *command.format(spaces().name, MANIFESTS / "base").split())
    assert "403" not in done.stderr
    assert done.returncode in (0, 1), done.stderr


@pytest.mark.parametrize("command", ["detect", "preflight"])
def test_what_may_not_be_read_is_said_and_the_status_is_3(
    readers: dict[str, Path], command: str
) -> None:
    done = run(readers["half-a-reader"], command, "-o", "json")
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    incomplete = "\n".join(json.loads(done.stdout)["incomplete"])
    for what in ("pods may not be listed: 403", "nodes may not be listed: 403", "cilium-config"):
        assert what in incomplete
        assert what in done.stderr
