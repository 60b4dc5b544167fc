"""A new user's way: from `kubectl apply -k` on an empty cluster to the first generated policy.

`python -m tests.install.first_policy` takes it on a fresh local control plane and says how long
each of the README's commands took. Between them nothing is waited for that a user would not.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.control_plane import ControlPlane
from tests.install.pods import Pods

_ROOT = Path(__file__).resolve().parents[2]
NAMESPACE = "my-app"

# The README's, word for word.
COMMANDS = (
    "kubectl apply -k manifests/base",
    "kubectl -n homelab-netpol rollout status deploy/homelab-netpol",
    f"kubectl label namespace {NAMESPACE} network-policy.homelab/profile=internal",
    "kubectl get cnp -A -l app.kubernetes.io/managed-by=homelab-netpol"
    " -L network-policy.homelab/profile",
)


@dataclass(frozen=True, slots=True)
class Step:
    """One command of the way.

    Attributes:
        command: as typed.
        output: what it printed.
        seconds: how long it took.
    """

    command: str
    output: str
    seconds: float


def first_policy(cluster: ControlPlane, folder: Path) -> Iterator[Step]:
    """Takes the way, command by command.

    Args:
        cluster: with Cilium's CRDs, and nothing else in it.
        folder: for the files of the operator's Pods.

    Yields:
        Each command, when it is done.

    Raises:
        subprocess.CalledProcessError: a command failed; its output has been printed.
    """
    kubectl(cluster, f"kubectl create namespace {NAMESPACE}")
    with Pods(cluster, folder):
        for command in COMMANDS:
            began = time.monotonic()
            output = kubectl(cluster, command)
            yield Step(command, output, time.monotonic() - began)


def kubectl(cluster: ControlPlane, command: str) -> str:
    """Runs a command line of the README's; returns what it printed.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    arguments = shlex.split(command)
    access = ["--kubeconfig", str(cluster.kubeconfig), "--context", cluster.context]
    done = subprocess.run(
        [arguments[0], *access, *arguments[1:]],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if done.returncode != 0:
        print(done.stdout + done.stderr, file=sys.stderr)
        done.check_returncode()
    return done.stdout


def main() -> None:
    """Takes the way once, and prints it with its times."""
    with ControlPlane() as cluster, tempfile.TemporaryDirectory() as folder:
        total = 0.0
        for step in first_policy(cluster, Path(folder)):
            print(f"$ {step.command}\n{step.output.rstrip()}\n# {step.seconds:.1f} s\n")
            total += step.seconds
    print(f"{len(COMMANDS)} commands, {total:.1f} s")


if __name__ == "__main__":
    main()
