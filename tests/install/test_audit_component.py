"""The audit's component: what its pods may, may reach, and serve."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import urllib3
from prometheus_client.parser import text_string_to_metric_families
from urllib3.util import Retry

from lab.control_plane import Cluster, Engine, Flow, Identity
from lab.free_port import free_port
from tests.cluster.kube import Kube
from tests.install.rendered import HOME, MANIFESTS, Manifest, chart, documents, overlay, the

_NAME = "homelab-netpol-audit"
_COMPONENT = MANIFESTS / "components" / "audit"
_FOLDER = "/var/lib/homelab-netpol-audit"


@pytest.fixture(scope="module")
def objects() -> list[Manifest]:
    """What the base makes with the component."""
    return overlay(("audit",))


def _pods(objects: list[Manifest]) -> dict[str, Any]:
    job = the(objects, "CronJob", _NAME)["spec"]["jobTemplate"]["spec"]["template"]
    return {"report": job, "server": the(objects, "Deployment", _NAME)["spec"]["template"]}


@pytest.mark.parametrize("which", ["report", "server"])
def test_its_pods_meet_the_restricted_standard(
    which: str, objects: list[Manifest], admin: Kube, home: str
) -> None:
    template = _pods(objects)[which]
    pod = {"metadata": {**template["metadata"], "name": "probe"}, "spec": template["spec"]}
    if which == "report":
        account = f"/api/v1/namespaces/{home}/serviceaccounts"
        if admin.get(f"{account}/{_NAME}") is None:
            admin.create(account, {"metadata": {"name": _NAME}})
    admin.create(f"/api/v1/namespaces/{home}/pods?dryRun=All", pod)
    pod["spec"]["securityContext"]["runAsNonRoot"] = False
    with pytest.raises(AssertionError, match="violates PodSecurity"):
        admin.create(f"/api/v1/namespaces/{home}/pods?dryRun=All", pod)


def test_its_pods_run_the_operators_image_and_are_not_taken_for_its_own(
    objects: list[Manifest],
) -> None:
    operator = the(objects, "Deployment")["spec"]
    for template in _pods(objects).values():
        [container] = template["spec"]["containers"]
        [own] = operator["template"]["spec"]["containers"]
        assert container["image"] == own["image"]
        labels = template["metadata"]["labels"]
        assert not operator["selector"]["matchLabels"].items() <= labels.items()


def test_an_image_of_ones_own_is_that_of_the_chart_everywhere() -> None:
    image = {"repository": "registry.example.org/netpol", "tag": "1.2.3", "pullSecrets": ["pull"]}
    made = chart({"audit": {"enabled": True}, "image": image})
    for template in _pods(made).values():
        [container] = template["spec"]["containers"]
        assert container["image"] == "registry.example.org/netpol:1.2.3"
        assert template["spec"]["imagePullSecrets"] == [{"name": "pull"}]


def test_without_the_prometheus_operator_the_chart_makes_no_service_monitor() -> None:
    made = chart({"audit": {"enabled": True, "serviceMonitor": False}})
    assert "ServiceMonitor" not in {each["kind"] for each in made}
    assert the(made, "CronJob", _NAME)


def test_only_what_makes_the_report_reaches_the_api_server(engine: Engine) -> None:
    labels = {
        which: template["metadata"]["labels"]
        for which, template in _pods(overlay(("audit",))).items()
    }
    engine.identities(
        {
            **{which: Identity.pod(HOME, own) for which, own in labels.items()},
            "dns": Identity.pod("kube-system", {"k8s-app": "kube-dns"}),
            "prometheus": Identity.pod("monitoring", {"app.kubernetes.io/name": "prometheus"}),
            "app": Identity.pod("photos", {"app": "web"}),
            "api": Identity.entity("kube-apiserver"),
            "health": Identity.entity("health"),
            "node": Identity.entity("host"),
            "world": Identity.entity("world"),
        }
    )
    assert engine.policies(documents((_COMPONENT / "networkpolicies.yaml").read_text())) == []
    asked = {
        Flow("report", "api", 6443): True,
        Flow("report", "api", 443): True,
        Flow("report", "dns", 53, "UDP"): True,
        Flow("report", "world", 443): False,
        Flow("server", "api", 6443): False,
        Flow("server", "world", 443): False,
        Flow("prometheus", "server", 8080): True,
        Flow("health", "server", 8080): True,
        # The kubelet's probes, and `kubectl port-forward`.
        Flow("node", "server", 8080): True,
        Flow("app", "server", 8080): False,
        Flow("world", "server", 8080): False,
    }
    found = [each.allowed for each in engine.verdicts(asked)]
    engine.policies([])
    assert dict(zip(asked, found, strict=True)) == asked


@pytest.fixture
def served(objects: list[Manifest], tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """The folder that the server's own command serves, and where."""
    [container] = _pods(objects)["server"]["spec"]["containers"]
    port = free_port()
    places = {"8080": str(port), _FOLDER: str(tmp_path), "python": sys.executable}
    command = [places.get(word, word) for word in container["command"]]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        yield tmp_path, f"http://127.0.0.1:{port}"
        process.kill()


def test_what_the_job_writes_is_served_where_prometheus_and_people_look(
    objects: list[Manifest], served: tuple[Path, str], cluster: Cluster, tmp_path: Path
) -> None:
    folder, address = served
    [container] = _pods(objects)["report"]["spec"]["containers"]
    settings = tmp_path / "netpol.yaml"
    settings.write_text("{}\n")
    arguments = [
        word.replace(_FOLDER, str(folder)).replace("/etc/homelab-netpol", str(settings))
        for word in container["args"]
    ]
    which = ["--kubeconfig", str(cluster.kubeconfig), "--context", cluster.context]
    done = subprocess.run(
        [sys.executable, "-m", "homelab_netpol", *arguments, *which],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    monitor = the(objects, "ServiceMonitor", _NAME)["spec"]["endpoints"][0]
    text, kind = _fetched(f"{address}{monitor['path']}")
    # What Prometheus takes for its text format.
    assert kind.partition(";")[0] == "text/plain"
    families = {each.name for each in text_string_to_metric_families(text)}
    assert "homelab_netpol_audit_namespaces" in families
    page, kind = _fetched(f"{address}/")
    assert kind.partition(";")[0] == "text/html"
    assert page.lower().startswith("<!doctype html>")


def _fetched(address: str) -> tuple[str, str]:
    """What is served, and as what; a server that is being started is waited for."""
    answer = urllib3.PoolManager().request("GET", address, retries=Retry(10, backoff_factor=0.1))
    assert answer.status == HTTPStatus.OK
    return answer.data.decode(), answer.headers["Content-Type"]
