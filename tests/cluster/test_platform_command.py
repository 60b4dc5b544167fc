"""`check platform`, `scaffold platform` and `test`, asked of a cluster."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from homelab_netpol.cli.main import main
from lab.control_plane import Cluster
from tests.cluster.kube import Kube, cnp_path

PODS = "/api/v1/namespaces/garage/pods"
POLICY = {
    "apiVersion": "cilium.io/v2",
    "kind": "CiliumNetworkPolicy",
    "metadata": {"name": "by-hand", "namespace": "garage"},
    "spec": {"endpointSelector": {}, "egress": [{"toEndpoints": [{}]}]},
}


@pytest.fixture
def garage(kube: Kube) -> Iterator[None]:
    """A platform namespace with a pod, and a policy that forgets DNS."""
    container = {"name": "main", "image": "x", "ports": [{"containerPort": 3900}]}
    metadata = {"name": "store", "labels": {"app": "garage"}}
    kube.create(PODS, {"metadata": metadata, "spec": {"containers": [container]}})
    kube.create(cnp_path("garage"), POLICY)
    yield
    kube.delete(cnp_path("garage", "by-hand"))
    kube.delete(f"{PODS}/store?gracePeriodSeconds=0")


def run(cluster: Cluster, *arguments: str) -> Result:
    where = ["--kubeconfig", str(cluster.kubeconfig), "--context", cluster.context]
    return CliRunner().invoke(main, [*arguments, *where])


@pytest.mark.usefixtures("garage")
def test_a_policy_that_stands_in_the_cluster_is_checked(cluster: Cluster) -> None:
    done = run(cluster, "check", "platform", "garage", "-o", "json")
    assert done.exit_code == 1, done.output
    data = json.loads(done.stdout)
    [found] = data["namespaces"]
    assert data["incomplete"] == []
    assert found["pods"] == ["Pod store"]
    assert [each["rule"] for each in found["rules"] if each["result"] != "ok"] == ["DNS"]


@pytest.mark.usefixtures("garage")
def test_a_first_policy_has_the_ports_of_the_pods_that_run(cluster: Cluster) -> None:
    done = run(cluster, "scaffold", "platform", "garage", "-l", "app=garage")
    assert done.exit_code == 0, done.output
    policy = yaml.safe_load(done.stdout)
    assert policy["spec"]["endpointSelector"] == {"matchLabels": {"app": "garage"}}
    [own] = [rule for rule in policy["spec"]["ingress"] if rule.get("fromEndpoints") == [{}]]
    assert own["toPorts"] == [{"ports": [{"port": "3900", "protocol": "TCP"}]}]


@pytest.mark.usefixtures("garage")
def test_policy_tests_are_held_against_what_stands_there(cluster: Cluster, tmp_path: Path) -> None:
    file = tmp_path / "garage.netpol-test.yaml"
    file.write_text(
        "tests:\n"
        "- {name: no internet, from: garage, to: internet, port: 443, expect: denied}\n"
        "- {name: its own, from: garage/store, to: garage, port: 3900, expect: allowed}\n",
        encoding="utf-8",
    )
    done = run(cluster, "test", str(file))
    assert done.exit_code == 0, done.output
    assert "2 passed" in done.stdout
