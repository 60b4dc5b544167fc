"""Whatever is rendered is what the API server knows: by its schemas, and by its own word."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import yaml

from lab.control_plane import ControlPlane
from tests.cluster.kube import Kube
from tests.install.rendered import (
    COMPONENTS,
    EXAMPLE_SETTINGS,
    MANIFESTS,
    VALUES,
    Manifest,
    chart,
    documents,
    kustomize,
    overlay,
    run,
    the,
)
from tests.install.schemas import FILE_NAME, write_schemas
from tests.programs import kubectl
from tests.tools import tool


def _read(path: Path) -> list[Manifest]:
    return documents(path.read_text())


# Settings are no objects; tests/truth/test_clusters.py is about them.
_EXAMPLES = sorted(set((MANIFESTS / "examples").rglob("*.yaml")) - set(EXAMPLE_SETTINGS))
pytestmark = pytest.mark.usefixtures("gitops")

_RENDERED: dict[str, Callable[[], list[Manifest]]] = {
    "base": partial(overlay, ()),
    **{name: partial(overlay, (name,)) for name in COMPONENTS},
    "every component": partial(overlay, COMPONENTS),
    "overlay homelab": partial(kustomize, MANIFESTS / "overlays" / "homelab"),
    "chart": chart,
    "chart, everything": partial(chart, *VALUES.values()),
    **{f"{path.parent.name}/{path.name}": partial(_read, path) for path in _EXAMPLES},
}


@pytest.fixture(scope="module", params=_RENDERED)
def objects(request: pytest.FixtureRequest) -> list[Manifest]:
    """Everything that one way of installing makes."""
    return _RENDERED[request.param]()


def test_kubeconform_finds_no_unknown_field(
    objects: list[Manifest], plane: ControlPlane, tmp_path: Path
) -> None:
    write_schemas(plane.api, objects, tmp_path)
    assert _kubeconform(objects, tmp_path) == []


def test_kubeconform_would_find_one(plane: ControlPlane, tmp_path: Path) -> None:
    objects = overlay(COMPONENTS)
    write_schemas(plane.api, objects, tmp_path)
    the(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]["imagePullPolice"] = ""
    the(objects, "CiliumNetworkPolicy")["spec"]["egress"][0]["toPort"] = []
    assert sorted(each["kind"] for each in _kubeconform(objects, tmp_path)) == [
        "CiliumNetworkPolicy",
        "Deployment",
    ]


def _kubeconform(objects: list[Manifest], schemas: Path) -> list[Manifest]:
    """What it finds wrong."""
    location = f"{schemas}/{FILE_NAME}"
    command = [str(tool("kubeconform")), "-strict", "-output", "json"]
    command += ["-schema-location", location]
    result = subprocess.run(
        command, input=yaml.safe_dump_all(objects), capture_output=True, text=True, check=False
    )
    answer: Manifest = json.loads(result.stdout)
    return list(answer["resources"])


@pytest.mark.usefixtures("home")
def test_the_api_server_would_take_all_of_it(
    objects: list[Manifest], plane: ControlPlane, admin: Kube, tmp_path: Path
) -> None:
    for namespace in {each["metadata"].get("namespace") for each in objects} - {None}:
        if admin.get(f"/api/v1/namespaces/{namespace}") is None:
            admin.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
    path = tmp_path / "rendered.yaml"
    path.write_text(yaml.safe_dump_all(objects))
    said = run([*kubectl(plane), "apply", "--dry-run=server", "--validate=strict", "-f", str(path)])
    assert len(said.splitlines()) == len(objects)


@pytest.mark.parametrize("choice", [(), COMPONENTS], ids=["base", "every component"])
def test_the_pod_meets_the_restricted_standard(
    choice: tuple[str, ...], admin: Kube, home: str
) -> None:
    # The API server holds a Pod against the standard that the namespace's label names.
    template = the(overlay(choice), "Deployment")["spec"]["template"]
    pod = {"metadata": {**template["metadata"], "name": "probe"}, "spec": template["spec"]}
    admin.create(f"/api/v1/namespaces/{home}/pods?dryRun=All", pod)
    pod["spec"]["securityContext"]["runAsNonRoot"] = False
    with pytest.raises(AssertionError, match="violates PodSecurity"):
        admin.create(f"/api/v1/namespaces/{home}/pods?dryRun=All", pod)
