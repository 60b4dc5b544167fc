"""What the product's own `diagnose` says of drops, run as its users run it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.control_plane import ControlPlane
from lab.demo.errors import DemoError
from lab.demo.operator_process import package_environment

_DROPS_FOUND = 1


@dataclass(frozen=True)
class Diagnosis:
    """The answer of `diagnose`.

    Attributes:
        text: as it is printed.
        labels: what to set on the Namespace.
    """

    text: str
    labels: Mapping[str, str]


def diagnose(cluster: ControlPlane, flows: Path, namespace: str) -> Diagnosis:
    """Asks about the drops of a Namespace, which must have one cause.

    Args:
        cluster: whose policies stand.
        flows: Hubble's export.
        namespace: only flows of it are looked at.

    Raises:
        DemoError: it fails, or names something else than labels of this Namespace.
    """
    text = _run(cluster, flows, namespace)
    found = json.loads(_run(cluster, flows, namespace, "-o", "json"))["diagnoses"]
    fixes = [fix for each in found for fix in (each["fix"] or {}).get("labels", ())]
    if len(found) != 1 or not fixes or any(fix["namespace"] != namespace for fix in fixes):
        raise DemoError(f"diagnose names no label of {namespace} for one cause of drops:\n{text}")
    return Diagnosis(text, {fix["key"]: fix["value"] for fix in fixes})


def _run(cluster: ControlPlane, flows: Path, namespace: str, *more: str) -> str:
    access = ["--kubeconfig", str(cluster.kubeconfig), "--context", cluster.context]
    done = subprocess.run(
        [sys.executable, "-m", "homelab_netpol", "diagnose", str(flows)]
        + ["-n", namespace, *access, *more],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=package_environment(),
        check=False,
    )
    if done.returncode != _DROPS_FOUND:
        raise DemoError(
            f"diagnose ended with status {done.returncode}:\n{done.stderr or done.stdout}"
        )
    return done.stdout
