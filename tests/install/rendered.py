"""What a person would apply: the objects that kustomize and Helm make of this repository."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from homelab_netpol.settings import Settings, load_settings
from tests.tools import tool

Manifest = dict[str, Any]

# The letters that Kubernetes makes such names of.
_HASH = re.compile(r"-[2456789bcdfghkmt]{10}$")

ROOT = Path(__file__).resolve().parents[2]
MANIFESTS = ROOT / "manifests"
EXAMPLE_SETTINGS = tuple(sorted((MANIFESTS / "examples" / "settings").glob("*.yaml")))
CHART = ROOT / "charts" / "homelab-netpol"
HOME = "homelab-netpol"
SETTINGS = "homelab-netpol-settings"
COMPONENTS = ("single-replica", "mesh", "admission", "monitoring", "internet-only", "audit")
# What says the same to the chart.
VALUES: Mapping[str, Mapping[str, Any]] = {
    "single-replica": {"replicas": 1},
    "mesh": {"mesh": {"enabled": True}},
    "admission": {"admission": {"enabled": True}},
    "monitoring": {"monitoring": {"enabled": True}},
    "internet-only": {"internetOnly": {"enabled": True}},
    "audit": {"audit": {"enabled": True}},
}


def overlay(components: Collection[str]) -> list[Manifest]:
    """An overlay of the base and some components, as docs/install.md shows one."""
    with tempfile.TemporaryDirectory(prefix="overlay-") as folder:
        return kustomize(write_overlay(Path(folder), components))


def write_overlay(folder: Path, components: Collection[str]) -> Path:
    """Writes the overlay's kustomization into a folder, and returns the folder."""
    # A kustomization knows other folders by the way from its own.
    manifests = Path(os.path.relpath(MANIFESTS, folder.resolve()))
    kustomization = {
        "resources": [str(manifests / "base")],
        "components": [str(manifests / "components" / name) for name in components],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return folder


def kustomize(folder: Path) -> list[Manifest]:
    """All that a kustomization makes."""
    return documents(run([str(tool("kustomize")), "build", str(folder)]))


def chart(*values: Mapping[str, Any], namespace: str = HOME) -> list[Manifest]:
    """All that the chart makes, with these values, the later ones over the earlier."""
    return documents(helm("template", HOME, str(CHART), "--namespace", namespace, values=values))


def helm(*arguments: str, values: Sequence[Mapping[str, Any]] = ()) -> str:
    """Runs Helm; raises CalledProcessError, with what it said, if it finds fault."""
    with tempfile.TemporaryDirectory(prefix="values-") as folder:
        given: list[str] = []
        for number, each in enumerate(values):
            path = Path(folder, f"{number}.yaml")
            path.write_text(json.dumps(each))
            given += ["--values", str(path)]
        # Helm keeps files of its own, which are nobody's here.
        homes = {f"HELM_{kind}_HOME": folder for kind in ("CACHE", "CONFIG", "DATA")}
        return run([str(tool("helm")), *arguments, *given], homes)


def run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """Runs a command and returns what it prints; an error tells what it said."""
    result = subprocess.run(
        command,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        error = subprocess.CalledProcessError(result.returncode, command)
        error.add_note(result.stdout + result.stderr)
        error.stderr = result.stderr
        raise error
    return result.stdout


def documents(text: str) -> list[Manifest]:
    """The objects of a stream of YAML documents."""
    return [each for each in yaml.safe_load_all(text) if each]


def the(objects: Sequence[Manifest], kind: str, name: str = HOME) -> Manifest:
    """The one object of a kind that has a name."""
    [found] = [each for each in objects if each["kind"] == kind and plain_name(each) == name]
    return found


def plain_name(item: Manifest) -> str:
    """An object's name, without the hash that kustomize puts on that of a ConfigMap."""
    return _HASH.sub("", item["metadata"]["name"])


def settings_of(objects: Sequence[Manifest]) -> Settings:
    """What the operator makes of the ConfigMap, whose files it finds in a folder."""
    with tempfile.TemporaryDirectory(prefix="settings-") as folder:
        for name, text in the(objects, "ConfigMap", SETTINGS)["data"].items():
            Path(folder, name).write_text(text)
        return load_settings(Path(folder))
