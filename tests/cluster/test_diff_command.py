"""`homelab-netpol diff` beside a cluster: the tree as it would be applied there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from homelab_netpol.cli.main import main
from lab.control_plane import Cluster
from tests.cluster.kube import Kube, cnp_path
from tests.cluster.spaces import PROFILE, Spaces, access

pytestmark = pytest.mark.usefixtures("operator")


def test_a_tree_is_compared_with_what_stands_and_what_it_lacks_stays(
    cluster: Cluster, kube: Kube, spaces: Spaces, tmp_path: Path
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

    def compared(old: str, new: str, **labels: str) -> dict[str, Any]:
        metadata = {"name": app.name, "labels": {PROFILE: "internal", **labels}}
        manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
        (tmp_path / "app.json").write_text(json.dumps(manifest), encoding="utf-8")
        access_options = ["--kubeconfig", str(cluster.kubeconfig)]
        access_options += ["--context", cluster.context] if cluster.context else []
        words = [str(tmp_path) if each == "tree" else each for each in (old, new)]
        ran = CliRunner().invoke(main, ["diff", *words, "-o", "json", *access_options])
        assert ran.exit_code == 0, ran.output
        found: dict[str, Any] = json.loads(ran.stdout)
        return found

    as_it_is = compared("cluster", "tree", **{access("postgres"): "true"})
    assert (as_it_is["namespaces"], as_it_is["objects"]) == ([], [])
    without = compared("cluster", "tree")
    assert without["widens"] is False
    [mine] = [each for each in without["namespaces"] if each["namespace"] == app.name]
    assert [each["words"] for each in mine["losses"]] == [
        "loses egress to postgres (Namespace database) on TCP 5432"
    ]
    assert compared("tree", "cluster")["widens"] is True
