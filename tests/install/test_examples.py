"""The examples for Flux and Argo CD install what they say.

Whether the tools' definitions take them is for test_kinds.py.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.install.rendered import (
    COMPONENTS,
    HOME,
    MANIFESTS,
    ROOT,
    Manifest,
    chart,
    documents,
    kustomize,
    overlay,
    settings_of,
    the,
)

_EXAMPLES = MANIFESTS / "examples"
# The path in the repository, the components and the patches that an example names.
Parts = tuple[str, list[str], list[Any]]
Source = Callable[[], Parts]


def example(path: str, kind: str) -> Manifest:
    """The spec of the one object of a kind in an example."""
    [found] = [each for each in documents((_EXAMPLES / path).read_text()) if each["kind"] == kind]
    spec: Manifest = found["spec"]
    return spec


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What either tool has fetched, and may change."""
    for folder in ("manifests", "crds"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


def _built(checkout: Path, path: str, components: list[str], patches: list[Any]) -> list[Manifest]:
    """As both tools do it: components and patches go into the kustomization at the path."""
    file = checkout / path / "kustomization.yaml"
    kustomization = yaml.safe_load(file.read_text())
    kustomization |= {"components": components, "patches": patches}
    file.write_text(yaml.safe_dump(kustomization))
    return kustomize(file.parent)


def _of_flux() -> Parts:
    spec = example("flux/from-git.yaml", "Kustomization")
    return spec["path"], spec["components"], spec["patches"]


def _of_argocd() -> Parts:
    source = example("argocd/from-git.yaml", "Application")["source"]
    return source["path"], source["kustomize"]["components"], source["kustomize"]["patches"]


@pytest.mark.parametrize(
    ("source", "mark"),
    [
        (_of_flux, {"kustomize.toolkit.fluxcd.io/prune": "disabled"}),
        (_of_argocd, {"argocd.argoproj.io/sync-options": "Prune=false,Delete=false"}),
    ],
    ids=["flux", "argocd"],
)
def test_from_git_comes_what_the_components_make_and_definitions_stay(
    source: Source, mark: dict[str, str], checkout: Path
) -> None:
    objects = _built(checkout, *source())
    for each in objects:
        if each["kind"] == "CustomResourceDefinition":
            assert each["metadata"].pop("annotations") == mark
    assert objects == overlay(("single-replica",))


@pytest.mark.parametrize("source", [_of_flux, _of_argocd], ids=["flux", "argocd"])
def test_from_git_any_component_can_be_added(source: Source, checkout: Path) -> None:
    path, [example_component], _ = source()
    components = [example_component.replace("single-replica", name) for name in COMPONENTS]
    assert _built(checkout, path, components, []) == overlay(COMPONENTS)


@pytest.mark.parametrize(
    "values",
    [
        example("flux/from-chart.yaml", "HelmRelease")["values"],
        example("argocd/from-chart.yaml", "Application")["source"]["helm"]["valuesObject"],
    ],
    ids=["flux", "argocd"],
)
def test_the_values_for_the_chart_are_taken_and_cut_nobody_off(values: dict[str, Any]) -> None:
    assert settings_of(chart(values)).default_deny == "auto"


def test_examples_make_the_namespace_that_the_base_makes() -> None:
    wanted = the(overlay(()), "Namespace")["metadata"]["labels"]
    del wanted["app.kubernetes.io/name"]
    [flux] = [
        each
        for each in documents((_EXAMPLES / "flux/from-chart.yaml").read_text())
        if each["kind"] == "Namespace"
    ]
    assert flux["metadata"] == {"name": HOME, "labels": wanted}
    policy = example("argocd/from-chart.yaml", "Application")["syncPolicy"]
    assert policy["managedNamespaceMetadata"]["labels"] == wanted


def test_examples_are_of_the_version_that_the_base_is_of() -> None:
    kustomization = yaml.safe_load((MANIFESTS / "base" / "kustomization.yaml").read_text())
    [image] = kustomization["images"]
    version = image["newTag"]
    assert example("flux/from-git.yaml", "GitRepository")["ref"] == {"tag": f"v{version}"}
    assert example("flux/from-chart.yaml", "OCIRepository")["ref"] == {"tag": version}
    git, of_chart = (
        example(f"argocd/{name}.yaml", "Application")["source"]["targetRevision"]
        for name in ("from-git", "from-chart")
    )
    assert (git, of_chart) == (f"v{version}", version)
