"""Runs `homelab-netpol` as its users do: a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_SOURCE_ROOT = Path(__file__).resolve().parents[2] / "operator"
_SECONDS = 60


def environment(**more: str) -> dict[str, str]:
    """Of this process, with the package in reach and no cluster by accident."""
    kept = {key: value for key, value in os.environ.items() if key != "KUBECONFIG"}
    return {**kept, "PYTHONPATH": str(_SOURCE_ROOT), "HOME": "/nonexistent", **more}


def run(*arguments: str, given: bytes | str = b"", **more: str) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end.

    Args:
        arguments: after the program's name.
        given: on standard input.
        more: of the environment.
    """
    raw = given.encode() if isinstance(given, str) else given
    done = subprocess.run(
        [sys.executable, "-m", "homelab_netpol", *arguments],
        input=raw,
        capture_output=True,
        env=environment(**more),
        timeout=_SECONDS,
        check=False,
    )
    out, err = (each.decode("utf-8", "replace") for each in (done.stdout, done.stderr))
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)
