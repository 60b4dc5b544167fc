"""`explain` over a cluster: by the policies that stand there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from homelab_netpol.cli.main import main
from lab.control_plane import Cluster
from tests.cluster.spaces import PROFILE, Space, Spaces, access
from tests.cluster.workloads import Workloads

pytestmark = pytest.mark.usefixtures("operator")


def explain(kubeconfig: Path, context: str | None, *arguments: str) -> tuple[int, dict[str, Any]]:
    """The exit status, and the answer."""
    where = ["--kubeconfig", str(kubeconfig), *(["--context", context] if context else [])]
    done = CliRunner().invoke(main, ["explain", *where, "-o", "json", *arguments])
    return done.exit_code, json.loads(done.stdout)


def test_a_pod_of_the_cluster_reaches_what_its_label_grants_by_the_policies_that_stand(
    cluster: Cluster, spaces: Spaces, database: Space, workloads: Workloads
) -> None:
    app = spaces({PROFILE: "internal"})
    app.has_profile("internal")
    workloads.pod(app.name, {"app": "web"})
    status, answer = explain(cluster.kubeconfig, cluster.context, app.name, "postgres")
    assert (status, answer["answer"]) == (1, "no")
    [fix] = answer["fixes"]
    assert [each["key"] for each in fix["settings"]] == [access("postgres")]
    app.label({access("postgres"): "true"})
    app.has("homelab-access-postgres")
    app.allows("egress", f"pods of {database.name} on TCP/5432", "homelab-access-postgres")
    status, answer = explain(cluster.kubeconfig, cluster.context, app.name, "postgres")
    assert (status, answer["answer"]) == (0, "yes")
