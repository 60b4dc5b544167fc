"""`homelab-netpol audit` on a real API server: with the rights that it ships with, and fewer."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from homelab_netpol.cli.main import main
from lab.control_plane import Cluster
from tests.cluster.audited import HOME, AuditedPlane
from tests.cluster.kube import Kube, Manifest, eventually
from tests.cluster.service_account import (
    MANIFESTS,
    install,
    rbac,
    rights_of,
    user,
    write_kubeconfig,
)
from tests.cluster.spaces import ENFORCEMENT, PROFILE, Spaces
from tests.cluster.workloads import Workloads

pytestmark = pytest.mark.usefixtures("operator")

ACCOUNT = "homelab-netpol-audit"
SHIPPED = list(
    yaml.safe_load_all((MANIFESTS / "components" / "audit" / "rbac.yaml").read_text("utf-8"))
)
# The Role of the operator's that the audit's account is bound to as well.
CILIUMS = [each for each in rbac() if each["metadata"]["name"] == "homelab-netpol-cilium"][:1]


@pytest.fixture
def auditor(
    cluster: Cluster, kube: Kube, tmp_path: Path
) -> Iterator[Callable[[Collection[str]], Path]]:
    """Makes a kubeconfig of the audit's account, which lacks the rights on some resources."""

    def make(lacking: Collection[str]) -> Path:
        documents = copy.deepcopy(SHIPPED)
        for rule in (rule for each in documents for rule in each.get("rules", ())):
            rule["resources"] = [each for each in rule["resources"] if each not in lacking]
        install(kube, [*CILIUMS, *map(_without_empty_rules, documents)])
        return write_kubeconfig(kube, cluster, ACCOUNT, tmp_path / "kubeconfig")

    yield make
    install(kube, SHIPPED)


def _without_empty_rules(document: Manifest) -> Manifest:
    if "rules" in document:
        document["rules"] = [rule for rule in document["rules"] if rule["resources"]]
    return document


def audited(kubeconfig: Path, *more: str) -> tuple[int, dict[str, Any]]:
    """The exit status, and the document."""
    arguments = ["audit", "-o", "json", "--kubeconfig", str(kubeconfig), *more]
    done = CliRunner().invoke(main, arguments)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.output
    return done.exit_code, json.loads(done.stdout)


def of(found: dict[str, Any], name: str) -> dict[str, Any]:
    """What is said of a Namespace."""
    [one] = [each for each in found["namespaces"] if each["name"] == name]
    return dict(one)


def test_the_shipped_rights_are_enough_and_each_of_them_is_asked_for(
    auditor: Callable[[Collection[str]], Path], cluster: Cluster, spaces: Spaces
) -> None:
    app = spaces({PROFILE: "internal"})
    app.has_profile("internal")
    status, found = audited(auditor(()), "--fail-on", "none")
    assert status == 0, found["notSeen"]
    assert not [each for each in found["notSeen"] if "may not" in each]
    assert of(found, app.name)["state"] == "enforced"
    assert of(found, app.name)["defaultDeny"] == {"ingress": True, "egress": True}
    assert found["whoMayChange"] is not None
    if not isinstance(cluster, AuditedPlane):
        return
    asked = cluster.asked(user(ACCOUNT))
    assert {each.right for each in asked} == rights_of([*SHIPPED, *CILIUMS])
    assert all(each.permitted for each in asked)


def test_since_when_a_hatch_is_open_is_what_the_cluster_remembers(
    auditor: Callable[[Collection[str]], Path], spaces: Spaces
) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    app = spaces({PROFILE: "internal", ENFORCEMENT: "disabled"})
    eventually(lambda: app.policy("homelab-escape-hatch"), "the hatch")
    status, found = audited(auditor(()))
    assert status == 1
    said = of(found, app.name)
    assert said["state"] == "hatch"
    assert before.replace(microsecond=0) <= datetime.fromisoformat(said["since"])
    assert said["until"] is None
    assert said["defaultDeny"] == {"ingress": False, "egress": False}
    [task] = [each for each in found["first"] if each["namespace"] == app.name]
    assert (task["rule"], task["risk"]) == ("HatchOpen", "high")


def test_a_label_whose_policy_is_gone_is_not_said_to_be_enforced(
    auditor: Callable[[Collection[str]], Path], kube: Kube, spaces: Spaces
) -> None:
    app = spaces({PROFILE: "internal"})
    app.has_profile("internal")
    path = f"/apis/cilium.io/v2/namespaces/{app.name}/ciliumnetworkpolicies/homelab-profile"
    condition = {"type": "Valid", "status": "False", "message": "port 0 is odd"}
    kube.patch(f"{path}/status", {"status": {"conditions": [condition]}})
    _, found = audited(auditor(()))
    assert of(found, app.name)["state"] == "pending"


@pytest.mark.parametrize(
    ("lacking", "where", "expected"),
    [
        ("ciliumnetworkpolicies", "state", "unknown"),
        ("ciliumnetworkpolicies", "policies", None),
        ("pods", "pods", None),
    ],
)
def test_what_may_not_be_read_is_said_and_never_guessed(
    auditor: Callable[[Collection[str]], Path],
    spaces: Spaces,
    workloads: Workloads,
    lacking: str,
    where: str,
    expected: str | None,
) -> None:
    app = spaces({PROFILE: "internal"})
    app.has_profile("internal")
    workloads.pod(app.name, {"app": "web"})
    status, found = audited(auditor((lacking,)), "--fail-on", "none")
    assert status == 3
    assert of(found, app.name)[where] == expected
    assert found["access"] is None
    assert any(lacking in each for each in found["notSeen"])


def test_without_rights_on_roles_nobody_is_said_to_be_harmless(
    auditor: Callable[[Collection[str]], Path],
) -> None:
    status, found = audited(auditor(("clusterrolebindings",)), "--fail-on", "none")
    assert status == 3
    assert found["whoMayChange"] is None
    assert found["systemMayChange"] is None


def test_without_an_agent_nothing_is_enforced(
    auditor: Callable[[Collection[str]], Path], spaces: Spaces
) -> None:
    app = spaces({PROFILE: "internal"})
    app.has_profile("internal")
    _, found = audited(auditor(()))
    # No agent of Cilium runs here, and so nothing is enforced, whatever stands.
    assert found["enforcement"]["enforcing"] is False
    assert "No agent" in found["enforcement"]["problems"][-1]


@pytest.mark.parametrize("subresource", ["status", "finalize"])
def test_who_may_write_a_part_of_a_namespace_may_change_its_labels_and_is_named(
    auditor: Callable[[Collection[str]], Path],
    cluster: Cluster,
    kube: Kube,
    spaces: Spaces,
    tmp_path: Path,
    subresource: str,
) -> None:
    app, account = spaces({PROFILE: "internal"}), f"writer-of-{subresource}"
    rule = {"apiGroups": [""], "resources": [f"namespaces/{subresource}"], "verbs": ["update"]}
    group, subject = "rbac.authorization.k8s.io", {"name": account, "namespace": HOME}
    role: Manifest = {"kind": "ClusterRole", "metadata": {"name": account}, "rules": [rule]}
    binding: Manifest = {
        "kind": "ClusterRoleBinding",
        "metadata": {"name": account},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": account},
        "subjects": [{"kind": "ServiceAccount", **subject}],
    }
    install(
        kube,
        [
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": subject},
            *({"apiVersion": f"{group}/v1", **each} for each in (role, binding)),
        ],
    )
    path = f"/api/v1/namespaces/{app.name}"
    body = kube.get(path)
    assert body is not None
    body["metadata"]["labels"][ENFORCEMENT] = "disabled"
    other = Kube(write_kubeconfig(kube, cluster, account, tmp_path / "other"), cluster.context)
    other.replace(f"{path}/{subresource}", body)
    other.close()
    assert (kube.get(path) or {})["metadata"]["labels"][ENFORCEMENT] == "disabled"
    _, found = audited(auditor(()))
    said = {each["subject"]: each["may"] for each in found["whoMayChange"]}
    assert said[f"ServiceAccount {HOME}/{account}"] == [f"namespaces/{subresource}: update"]
