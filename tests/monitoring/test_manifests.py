"""The component is what an API server with the Prometheus operator's CRDs takes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.control_plane import ControlPlane, Lab
from tests.monitoring import shipped_rules
from tests.monitoring.scraped import documented_scrape
from tests.monitoring.shipped_rules import MONITORING
from tests.programs import kubectl, program
from tests.tools import module_directory

CRDS = "example/prometheus-operator-crd"
KINDS = ("podmonitors", "prometheusrules")


def rendered(folder: Path) -> str:
    """What `kubectl kustomize` makes of the component alone."""
    command = [program("kubectl"), "kustomize", str(folder)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def component(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The component in an overlay that has nothing else."""
    overlay = tmp_path_factory.mktemp("overlay")
    (overlay / "monitoring").symlink_to(MONITORING)
    (overlay / "kustomization.yaml").write_text("components: [monitoring]\n", encoding="utf-8")
    return rendered(overlay)


@pytest.fixture(scope="module")
def plane(lab: Lab) -> Iterator[ControlPlane]:
    """A control plane with the CRDs of the Prometheus operator."""
    folder = module_directory("github.com/prometheus-operator/prometheus-operator") / CRDS
    definitions = [
        yaml.safe_load((folder / f"monitoring.coreos.com_{kind}.yaml").read_text(encoding="utf-8"))
        for kind in KINDS
    ]
    with ControlPlane(lab=lab, crds=definitions) as plane:
        yield plane


def test_an_api_server_takes_every_field_of_it(plane: ControlPlane, component: str) -> None:
    subprocess.run([*kubectl(plane), "create", "namespace", "homelab-netpol"], check=True)
    result = subprocess.run(
        [*kubectl(plane), "apply", "--validate=strict", "-f", "-"],
        input=component,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert sorted(result.stdout.splitlines()) == [
        "configmap/homelab-netpol-dashboard created",
        "podmonitor.monitoring.coreos.com/homelab-netpol created",
        "prometheusrule.monitoring.coreos.com/homelab-netpol created",
    ]


def test_the_dashboard_comes_as_a_config_map_that_grafana_finds(component: str) -> None:
    objects = {each["kind"]: each for each in yaml.safe_load_all(component)}
    labels = objects["ConfigMap"]["metadata"]["labels"]
    assert labels["grafana_dashboard"] == "1"
    assert json.loads(objects["ConfigMap"]["data"]["homelab-netpol.json"])["title"]
    assert {each["metadata"]["namespace"] for each in objects.values()} == {"homelab-netpol"}


def test_the_pod_monitor_scrapes_what_the_documented_scrape_does() -> None:
    monitor: dict[str, Any] = yaml.safe_load((MONITORING / "podmonitor.yaml").read_text("utf-8"))
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    (documented,) = documented_scrape({})
    keep = documented["relabel_configs"][0]
    (app,) = monitor["spec"]["selector"]["matchLabels"].values()
    assert keep["regex"] == f"{app};{endpoint['port']}"
    assert endpoint["path"] == "/metrics"
    assert endpoint["relabelings"] == [{"action": "labeldrop", "regex": "namespace"}]


def test_the_pod_monitor_selects_the_operators_pods() -> None:
    monitor = yaml.safe_load((MONITORING / "podmonitor.yaml").read_text(encoding="utf-8"))
    base = MONITORING.parents[1] / "base"
    deployment = yaml.safe_load((base / "deployment.yaml").read_text(encoding="utf-8"))
    template = deployment["spec"]["template"]
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    assert wanted <= template["metadata"]["labels"].items()
    ports = [port["name"] for port in template["spec"]["containers"][0]["ports"]]
    assert monitor["spec"]["podMetricsEndpoints"][0]["port"] in ports


def test_the_spec_of_the_rules_is_a_rules_file() -> None:
    assert shipped_rules.rules_file().keys() == {"groups"}
