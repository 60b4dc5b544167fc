"""Does what `diagnose` and `recommend` propose, in the cluster, and takes it back."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lab.control_plane import ControlPlane
from tests.cluster.kube import Kube, Manifest, cnp_path
from tests.cluster.own_crds import PROFILES, RESOURCES
from tests.cluster.spaces import Space

_COLLECTIONS = {"NetworkProfile": PROFILES, "SharedResource": RESOURCES}


class Changes:
    """Labels and annotations of a Namespace, and objects beside it; `undo` takes all of it away."""

    def __init__(self, kube: Kube, space: Space) -> None:
        self._kube = kube
        self._space = space
        self._labels: set[str] = set()
        self._annotations: set[str] = set()
        self._objects: list[str] = []

    def set(self, labels: Mapping[str, str], annotations: Mapping[str, str]) -> None:
        """Sets these, beside those that are there."""
        self._labels |= labels.keys()
        self._annotations |= annotations.keys()
        self._space.annotate(annotations)
        self._space.label(labels)

    def define(self, objects: Iterable[Manifest]) -> None:
        """Makes objects."""
        for each in objects:
            metadata = each["metadata"]
            collection = _COLLECTIONS.get(each["kind"]) or cnp_path(metadata["namespace"])
            self._kube.create(collection, each)
            self._objects.append(f"{collection}/{metadata['name']}")

    def undo(self) -> None:
        """Takes away what was set and made."""
        self._space.label(dict.fromkeys(self._labels))
        self._space.annotate(dict.fromkeys(self._annotations))
        for path in self._objects:
            self._kube.delete(path)


def diagnosed(
    plane: ControlPlane, settings: Path, folder: Path, flow: Mapping[str, Any]
) -> dict[str, Any]:
    """What `diagnose` proposes for a flow: labels, annotations and objects."""
    exported = folder / "flows.json"
    exported.write_text(json.dumps(flow) + "\n", encoding="utf-8")
    [found] = say(plane, settings, "diagnose", str(exported), status=1)["diagnoses"]
    return {key: found["fix"][key] for key in ("labels", "annotations", "objects")}


def of_namespace(name: str, settings: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Labels or annotations that are proposed for one Namespace; for others there are none."""
    said = list(settings)
    assert {each["namespace"] for each in said} <= {name}
    return {each["key"]: each["value"] for each in said}


def say(plane: ControlPlane, settings: Path, *arguments: str, status: int) -> Any:
    """What a command says of the cluster, as JSON; anything but its exit status is an error."""
    cluster = ["--kubeconfig", str(plane.kubeconfig), "--context", plane.context]
    command = [sys.executable, "-m", "homelab_netpol", *arguments, *cluster]
    done = subprocess.run(
        [*command, "--config", str(settings), "-o", "json"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).resolve().parents[2] / "operator",
    )
    assert done.returncode == status, done.stderr or done.stdout
    return json.loads(done.stdout)
