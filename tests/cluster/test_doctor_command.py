"""`homelab-netpol doctor` on a real API server: as its administrator, and without any rights."""

from __future__ import annotations

import json
import re
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from homelab_netpol.cli.main import main
from lab.control_plane import Cluster
from tests.cluster.audited import HOME
from tests.cluster.kube import CNP, Kube, eventually
from tests.cluster.service_account import ACCOUNTS, install, write_kubeconfig
from tests.cluster.spaces import ENFORCEMENT, PROFILE, Spaces, access
from tests.cluster.workloads import Workloads

pytestmark = pytest.mark.usefixtures("operator")

CONFIG_MAPS = "/api/v1/namespaces/kube-system/configmaps"


def examined(kubeconfig: Path, context: str, *more: str) -> tuple[int, Any]:
    """The exit status, and what the command prints as JSON."""
    which = ["--kubeconfig", str(kubeconfig), *(["--context", context] if context else [])]
    done = CliRunner().invoke(main, ["doctor", "-o", "json", *which, *more])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.output
    return done.exit_code, json.loads(done.stdout)


def unpacked(path: Path) -> dict[str, str]:
    """Each file of a bundle, below its folder."""
    with tarfile.open(path) as archive:
        found = {each.name.partition("/")[2]: archive.extractfile(each) for each in archive}
        return {name: file.read().decode() for name, file in found.items() if file is not None}


def of(report: Any, check: str, where: str | None = None) -> list[dict[str, str]]:
    """The answers of a check, on something."""
    return [
        each
        for each in report["results"]
        if each["check"] == check and (where is None or each["where"] == where)
    ]


@pytest.fixture
def audit_mode(kube: Kube) -> Iterator[None]:
    """Cilium's ConfigMap, by which nothing is enforced."""
    metadata = {"name": "cilium-config"}
    data = {"policy-audit-mode": "true", "identity-max-jitter": "2m"}
    kube.create(CONFIG_MAPS, {"apiVersion": "v1", "metadata": metadata, "data": data})
    yield
    kube.delete(f"{CONFIG_MAPS}/cilium-config")


def test_what_stands_as_labelled_is_no_drift_and_by_other_settings_it_is(
    cluster: Cluster, spaces: Spaces, tmp_path: Path
) -> None:
    app = spaces({PROFILE: "internal"})
    unclear = spaces({PROFILE: "standart"})
    app.has_profile("internal")

    def drifting(*more: str) -> set[str]:
        _, report = examined(cluster.kubeconfig, cluster.context, *more)
        return {each["where"] for each in of(report, "drift") if each["status"] == "warning"}

    eventually(lambda: not drifting(), "no drift, of a label that cannot be understood neither")
    settings = tmp_path / "netpol.yaml"
    settings.write_text("gateways: {internal: [{namespace: other-gateway}]}\n", encoding="utf-8")
    other = drifting("--config", str(settings))
    assert app.name in other
    assert unclear.name not in other


def test_it_prints_a_table_and_markdown(cluster: Cluster) -> None:
    which = ["--kubeconfig", str(cluster.kubeconfig), "--context", cluster.context]
    table = CliRunner().invoke(main, ["doctor", *which]).stdout
    assert re.search(r"^ok +api-server +v1\.", table.replace(" ok", "ok"), re.MULTILINE)
    assert "Something is wrong." in table
    markdown = CliRunner().invoke(main, ["doctor", "-o", "markdown", *which]).stdout
    assert "| ok | api-server | v1." in markdown


def test_crds_rights_and_the_version_are_found_in_order(cluster: Cluster) -> None:
    _, report = examined(cluster.kubeconfig, cluster.context)
    for check in ("api-server", "crds", "rights", "clocks"):
        assert {each["status"] for each in of(report, check)} == {"ok"}, of(report, check)


def test_an_open_hatch_is_named_with_the_time_since_when(cluster: Cluster, spaces: Spaces) -> None:
    app = spaces({PROFILE: "internal", ENFORCEMENT: "disabled"})
    app.has_profile("internal")
    eventually(lambda: app.policy("homelab-escape-hatch"), "the hatch")
    status, report = examined(cluster.kubeconfig, cluster.context)
    assert status == 1
    [said] = of(report, "hatch", app.name)
    assert said["status"] == "warning"
    assert "open since 2" in said["message"]
    assert f"kubectl label namespace {app.name} {ENFORCEMENT}-" in said["remedy"]


@pytest.mark.usefixtures("audit_mode")
def test_settings_of_ciliums_that_matter_are_named(cluster: Cluster) -> None:
    status, report = examined(cluster.kubeconfig, cluster.context)
    assert status == 1
    [audited] = of(report, "cilium-settings", "AuditMode")
    assert audited["status"] == "warning"
    [jitter] = of(report, "cilium-settings", "identity-max-jitter")
    assert "120 s" in jitter["message"]


def test_a_policy_that_cilium_rejects_is_named_with_its_reason(
    cluster: Cluster, kube: Kube, spaces: Spaces
) -> None:
    app = spaces({PROFILE: "internal"})
    app.has_profile("internal")
    path = f"/apis/cilium.io/v2/namespaces/{app.name}/{CNP}/homelab-profile"
    condition = {"type": "Valid", "status": "False", "message": "port 0 is odd"}
    kube.patch(f"{path}/status", {"status": {"conditions": [condition]}})
    status, report = examined(cluster.kubeconfig, cluster.context)
    assert status == 1
    [said] = of(report, "valid", f"{app.name}/homelab-profile")
    assert said["status"] == "error"
    assert "port 0 is odd" in said["message"]


def test_a_bundle_holds_what_a_report_needs_for_its_owner_only_and_never_a_secret(
    cluster: Cluster, kube: Kube, spaces: Spaces, tmp_path: Path
) -> None:
    app = spaces({PROFILE: "internal", "team": "somebody-private"})
    app.has_profile("internal")
    data = {"password": "aHVudGVyMg=="}
    kube.create(
        f"/api/v1/namespaces/{app.name}/secrets",
        {"apiVersion": "v1", "metadata": {"name": "s"}, "data": data},
    )
    path = tmp_path / "report.tar.gz"
    examined(cluster.kubeconfig, cluster.context, "--bundle", str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    files = unpacked(path)
    assert {"README.txt", "doctor.json", "policies.json", "namespaces.json"} <= files.keys()
    names = {each["metadata"]["name"] for each in json.loads(files["namespaces.json"])["items"]}
    assert app.name in names
    everything = "\n".join(files.values())
    assert "hunter2" not in everything
    assert data["password"] not in everything
    assert "somebody-private" not in everything, "a label of another domain"
    with pytest.raises(SystemExit):
        main(["doctor", "--bundle", str(path)])


def test_no_name_of_a_namespace_pod_or_address_is_left_in_a_redacted_bundle(
    cluster: Cluster, spaces: Spaces, workloads: Workloads, tmp_path: Path
) -> None:
    app = spaces({PROFILE: "internal", access("postgres"): "true", access("nonesuch"): "true"})
    app.has_profile("internal")
    workloads.pod(app.name, {"app": "web"})
    path = tmp_path / "report.tar.gz"
    examined(cluster.kubeconfig, cluster.context, "--bundle", str(path), "--redact")
    files = unpacked(path)
    everything = "\n".join([*files, *files.values()])
    assert "ns-1" in everything
    assert app.name not in everything
    for name in ("database", "garage", "istio-gateway", "istio-system"):
        assert not re.search(rf"(?<![a-z0-9]){name}(?![a-z0-9])", everything), name
    assert len(json.loads(files["policies.json"])["items"]) > 1


@pytest.fixture
def stranger(kube: Kube, cluster: Cluster, tmp_path: Path) -> Iterator[Path]:
    """A kubeconfig of an account without any rights."""
    metadata = {"name": "stranger", "namespace": HOME}
    install(kube, [{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}])
    yield write_kubeconfig(kube, cluster, "stranger", tmp_path / "kubeconfig")
    kube.delete(f"{ACCOUNTS}/stranger")


def test_an_account_without_rights_gets_what_it_may_know_and_the_status_is_3(
    stranger: Path,
) -> None:
    status, report = examined(stranger, "")
    assert status == 3
    unknown = {each["check"] for each in report["results"] if each["status"] == "unknown"}
    expected = {"cilium", "cilium-settings", "crds", "definitions", "drift", "leader", "operator"}
    assert expected | {"rights"} == unknown
    assert len(report["incomplete"]) == sum(e["status"] == "unknown" for e in report["results"])
    [account] = of(report, "rights", "this account")
    assert "list namespaces" in account["message"]
