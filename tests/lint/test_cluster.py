"""lint of a cluster: what is there is looked at, and what may not be read is said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from homelab_netpol.cli.main import main
from lab.control_plane import Cluster
from tests.cluster.audited import HOME
from tests.cluster.kube import Kube
from tests.cluster.service_account import ACCOUNTS, write_kubeconfig

_NAMESPACE = "linted"
_POLICIES = f"/apis/cilium.io/v2/namespaces/{_NAMESPACE}/ciliumnetworkpolicies"
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
POLICY = """\
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: web, namespace: linted}
spec:
  endpointSelector: {matchLabels: {app: web}}
  ingress:
    - fromEndpoints: [{matchLabels: {k8s:io.kubernetes.pod.namespace: nowhere}}]
"""


@pytest.fixture(scope="module")
def linted(cluster: Cluster) -> Iterator[Kube]:
    """A Namespace with a policy that has mistakes, and a pod that it does not select."""
    kube = Kube(cluster.kubeconfig, cluster.context)
    kube.create("/api/v1/namespaces", {"metadata": {"name": _NAMESPACE}})
    kube.create(_POLICIES, yaml.safe_load(POLICY))
    pod = {
        "metadata": {"name": "other", "labels": {"app": "other"}},
        "spec": {"containers": [{"name": "main", "image": "example.org/other"}]},
    }
    kube.create(f"/api/v1/namespaces/{_NAMESPACE}/pods", pod)
    yield kube
    kube.delete(f"/api/v1/namespaces/{_NAMESPACE}")
    kube.close()


@pytest.fixture(scope="module")
def reader(linted: Kube, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A kubeconfig of an account that may list Namespaces and Cilium's policies only."""
    if linted.get(f"/api/v1/namespaces/{HOME}") is None:
        linted.create("/api/v1/namespaces", {"metadata": {"name": HOME}})
    name = "lint-reader"
    linted.create(ACCOUNTS, {"metadata": {"name": name}})
    rules = [
        {"apiGroups": ["cilium.io"], "resources": ["*"], "verbs": ["list"]},
        {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list"]},
    ]
    linted.create(f"{_RBAC}/clusterroles", {"metadata": {"name": name}, "rules": rules})
    binding = {
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": HOME}],
    }
    linted.create(f"{_RBAC}/clusterrolebindings", binding)
    path = tmp_path_factory.mktemp("lint") / "kubeconfig"
    return write_kubeconfig(linted, cluster, name, path)


def lint(kubeconfig: Path, context: str, *arguments: str) -> Result:
    """Runs the command on a cluster."""
    where = ["--kubeconfig", str(kubeconfig), "--context", context, "-n", _NAMESPACE]
    return CliRunner().invoke(main, ["lint", *where, "-o", "json", *arguments])


def test_in_a_cluster_pods_and_namespaces_are_known(linted: Kube, cluster: Cluster) -> None:
    result = lint(cluster.kubeconfig, cluster.context)
    report = json.loads(result.stdout)
    found = {each["rule"]: each for each in report["findings"]}
    assert set(found) == {"NP008", "NP301", "NP303"}
    assert found["NP008"]["file"] == "cluster"
    assert found["NP008"]["line"] is None
    assert "incomplete" not in report
    assert result.exit_code == 1


def test_what_may_not_be_read_is_said_and_nothing_is_concluded_from_it(
    reader: Path, cluster: Cluster
) -> None:
    result = lint(reader, cluster.context)
    report = json.loads(result.stdout)
    assert {each["rule"] for each in report["findings"]} == {"NP008"}
    assert any("pods may not be listed" in each for each in report["incomplete"])
    assert "pods may not be listed" in result.stderr
    assert result.exit_code == 3
    log = json.loads(lint(reader, cluster.context, "-o", "sarif").stdout)
    [invocation] = log["runs"][0]["invocations"]
    assert invocation["executionSuccessful"] is False
