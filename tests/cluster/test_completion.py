"""Shells complete the names that a cluster has, and print nothing where it cannot be asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from homelab_netpol.cli.main import main
from lab.control_plane import Cluster
from tests.cluster.definitions import Definitions
from tests.cluster.spaces import Spaces


def completed(cluster: Cluster, typed: str, *words: str) -> list[str]:
    """What may come next; the last option before leads to the cluster."""
    which = ["--kubeconfig", str(cluster.kubeconfig), "--context", cluster.context]
    found = ShellComplete(main, {}, "homelab-netpol", "")
    command, *rest = words
    return [each.value for each in found.get_completions([command, *which, *rest], typed)]


def test_namespaces_and_resources_of_the_cluster_are_completed(
    cluster: Cluster, spaces: Spaces, definitions: Definitions
) -> None:
    app = spaces()
    printer = definitions.resource(namespace=app.name, ports=[{"port": 631}])
    assert app.name in completed(cluster, app.name[:-1], "explain", "-n")
    assert app.name in completed(cluster, "", "explain")
    assert completed(cluster, printer.name[:-1], "explain", app.name) == [printer.name]
    assert completed(cluster, "internet", "explain", app.name) == ["internet"]
    assert "postgres" in completed(cluster, "post", "explain", app.name)
    assert app.name in completed(cluster, "", "doctor", "--operator-namespace")


def test_where_files_are_given_the_cluster_is_not_asked(cluster: Cluster, tmp_path: Path) -> None:
    assert completed(cluster, "kube-s", "render", "-f", str(tmp_path), "-n") == []
    assert completed(cluster, "kube-s", "render", "-n") == ["kube-system"]


@pytest.mark.parametrize("config", ["", "not: [yaml", "clusters: 7\n"])
def test_without_a_cluster_nothing_is_completed_and_nothing_printed(
    config: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(config, encoding="utf-8")
    found = ShellComplete(main, {}, "homelab-netpol", "")
    assert found.get_completions(["render", "--kubeconfig", str(path), "-n"], "") == []
    refused = "clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\n"
    refused += "contexts: [{name: c, context: {cluster: c, user: u}}]\ncurrent-context: c\n"
    path.write_text(refused + "users: [{name: u, user: {token: t}}]\n", encoding="utf-8")
    assert found.get_completions(["render", "--kubeconfig", str(path), "-n"], "") == []
    assert capfd.readouterr() == ("", "")
