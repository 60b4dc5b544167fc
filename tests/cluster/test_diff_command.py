"""`homelab-netpol diff` beside a cluster: the tree as it would be applied there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest
from click.testing import CliRunner

from homelab_netpol.cli.main import main
from lab.control_plane import Cluster
from tests.cluster.kube import Kube, cnp_path
from tests.cluster.spaces import PROFILE, Space, Spaces, access

pytestmark = pytest.mark.usefixtures("operator")


class Compared(Protocol):
    """Compares a cluster with a tree that holds one Namespace with these labels."""

    def __call__(self, app: Space, old: str, new: str, labels: Mapping[str, str]) -> Any:
        """What the command prints as JSON."""


@pytest.fixture
def compared(cluster: Cluster, tmp_path: Path) -> Compared:
    """Runs the command; `tree` stands for the tree."""

    def run(app: Space, old: str, new: str, labels: Mapping[str, str]) -> Any:
        metadata = {"name": app.name, "labels": dict(labels)}
        manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
        (tmp_path / "app.json").write_text(json.dumps(manifest), encoding="utf-8")
        which = ["--kubeconfig", str(cluster.kubeconfig)]
        which += ["--context", cluster.context] if cluster.context else []
        words = [str(tmp_path) if each == "tree" else each for each in (old, new)]
        ran = CliRunner().invoke(main, ["diff", *words, "-n", app.name, "-o", "json", *which])
        assert ran.exit_code == 0, ran.output
        return json.loads(ran.stdout)

    return run


def test_a_tree_is_compared_with_what_stands_and_what_it_lacks_stays(
    compared: Compared, kube: Kube, spaces: Spaces
) -> None:
    app = spaces({PROFILE: "internal", access("postgres"): "true", "team": "family"})
    other = spaces({PROFILE: "isolated"})
    app.has_profile("internal")
    other.has_profile("isolated")
    rules = [{"fromCIDR": ["10.9.0.0/16"]}]
    spec = {"endpointSelector": {"matchLabels": {"app": "web"}}, "ingress": rules}
    by_hand = {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": {"name": "by-hand", "namespace": app.name},
        "spec": spec,
    }
    kube.create(cnp_path(app.name), by_hand)

    internal = {PROFILE: "internal"}
    as_it_is = compared(app, "cluster", "tree", {**internal, access("postgres"): "true"})
    assert (as_it_is["namespaces"], as_it_is["objects"]) == ([], [])
    without = compared(app, "cluster", "tree", internal)
    assert without["widens"] is False
    [mine] = [each for each in without["namespaces"] if each["namespace"] == app.name]
    assert [each["words"] for each in mine["losses"]] == [
        "loses egress to postgres (Namespace database) on TCP 5432"
    ]
    assert compared(app, "tree", "cluster", internal)["widens"] is True


def test_where_a_label_cannot_be_understood_what_stands_in_the_cluster_stays(
    compared: Compared, spaces: Spaces
) -> None:
    app = spaces({PROFILE: "internal"})
    app.has_profile("internal")
    app.label({PROFILE: "standart"})
    found = compared(app, "cluster", "tree", {PROFILE: "standart"})
    assert (found["namespaces"], found["objects"]) == ([], [])
    better = compared(app, "cluster", "tree", {PROFILE: "internal-egress"})
    [mine] = better["namespaces"]
    words = [each["words"] for each in mine["gains"]]
    assert words == ["gains egress to the internet on TCP 443"]
