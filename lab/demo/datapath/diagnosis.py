"""Asks the product's own `diagnose` about drops, as its users do: by its command line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from lab.control_plane import ControlPlane
from lab.demo.errors import DemoError
from lab.demo.operator_process import package_environment

_DROPS_FOUND = 1


def print_diagnosis(cluster: ControlPlane, flows: Path) -> None:
    """Prints the answer, as wide and as coloured as `diagnose` itself finds right here.

    Args:
        cluster: whose policies stand.
        flows: Hubble's JSON.

    Raises:
        DemoError: it fails.
    """
    _run(cluster, flows, captured=False)


def diagnosed_labels(cluster: ControlPlane, flows: Path, namespace: str) -> Mapping[str, str]:
    """The labels of a Namespace that let pass what was dropped; see `print_diagnosis`.

    Raises:
        DemoError: it fails, finds several causes, or names anything else than these labels.
    """
    text = _run(cluster, flows, "-o", "json", captured=True)
    found = json.loads(text)["diagnoses"]
    fixes = [fix for each in found for fix in (each["fix"] or {}).get("labels", ())]
    if len(found) != 1 or not fixes or any(fix["namespace"] != namespace for fix in fixes):
        raise DemoError(f"diagnose names no label of {namespace} for one cause of drops:\n{text}")
    return {fix["key"]: fix["value"] for fix in fixes}


def _run(cluster: ControlPlane, flows: Path, *options: str, captured: bool) -> str:
    command = [sys.executable, "-m", "homelab_netpol", "diagnose", str(flows)]
    command += ["--kubeconfig", str(cluster.kubeconfig), "--context", cluster.context, *options]
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if captured else None,
        text=True,
        env=package_environment(),
        # Ctrl-C is for the demo, which ends this one too; else both would speak of it.
        process_group=0,
        check=False,
    )
    if done.returncode != _DROPS_FOUND:
        raise DemoError(f"diagnose ended with status {done.returncode}")
    return done.stdout or ""
