"""What docs/install.md shows can be copied, and does what is said of it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.install.rendered import (
    CHART,
    COMPONENTS,
    MANIFESTS,
    ROOT,
    VALUES,
    Manifest,
    kustomize,
    settings_of,
    the,
)

_PAGE = (ROOT / "docs" / "install.md").read_text()


def shown(word: str) -> str:
    """The one kustomization on the page that has a word in it."""
    blocks = re.findall(r"^```yaml\n(resources:.*?)^```$", _PAGE, re.MULTILINE | re.DOTALL)
    [block] = [each for each in blocks if word in each]
    return str(block)


def table(heading: str) -> dict[str, str]:
    """A table's last column by its first, which is in backquotes."""
    _, _, rows = _PAGE.partition(heading)
    rows, _, _ = rows.partition("\n\n")
    return dict(re.findall(r"^\| `([^`]+)` \|.*?([^|]+) \|$", rows, re.MULTILINE))


@pytest.fixture
def build(tmp_path: Path) -> Callable[[str], list[Manifest]]:
    """Builds a kustomization in the place that the page gives it."""
    for folder in ("manifests", "crds"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    place = tmp_path / "manifests" / "my-cluster"
    place.mkdir()

    def built(text: str) -> list[Manifest]:
        (place / "kustomization.yaml").write_text(text)
        return kustomize(place)

    return built


def test_a_kustomization_of_ones_own_chooses_components_and_an_image(
    build: Callable[[str], list[Manifest]],
) -> None:
    objects = build(shown("images:"))
    assert the(objects, "PodMonitor")
    [container] = the(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "registry.example.org/homelab-netpol:0.1.0"


def test_a_file_of_ones_own_settings_joins_the_others(
    build: Callable[[str], list[Manifest]],
) -> None:
    settings = settings_of(build(shown("my-cluster.yaml")))
    assert settings.resync_seconds == 600
    assert settings.gateways.namespaces == {"gateway-system"}
    assert settings.logging.format == "json"


def test_another_port_of_the_api_server_is_patched_in(
    build: Callable[[str], list[Manifest]],
) -> None:
    policy = the(build(shown("16443")), "CiliumNetworkPolicy")
    [api] = [rule for rule in policy["spec"]["egress"] if "toEntities" in rule]
    assert [each["port"] for each in api["toPorts"][0]["ports"]] == ["443", "6443", "16443"]


def test_the_tables_list_every_component() -> None:
    assert set(table("| Component | For |")) == set(COMPONENTS)
    assert set(table("| Component | Value |")) == set(COMPONENTS)
    folders = {each.parent.name for each in MANIFESTS.glob("components/*/kustomization.yaml")}
    assert folders == set(COMPONENTS)


def test_the_charts_values_for_a_component_are_those_that_are_compared() -> None:
    for component, text in table("| Component | Value |").items():
        path, _, value = text.strip().strip("`").partition(": ")
        said: Manifest = yaml.safe_load(value)
        for key in reversed(path.split(".")):
            said = {key: said}
        assert said == VALUES[component]


def test_the_page_names_the_version_that_is_installed() -> None:
    metadata = yaml.safe_load((CHART / "Chart.yaml").read_text())
    named = set(re.findall(r"(?:--version |newTag: )(\S+)", _PAGE))
    assert named == {metadata["version"]}
