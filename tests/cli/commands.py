"""Runs `homelab-netpol`: as its users do, in a process of its own, or quickly in this one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner, Result

from homelab_netpol.cli.main import main

_SOURCE_ROOT = Path(__file__).resolve().parents[2] / "operator"
_SECONDS = 60

NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: photos\n"
PROFILE = (
    "apiVersion: network-policy.homelab/v1alpha1\nkind: NetworkProfile\nmetadata: {name: own}\n"
)
RESOURCE = PROFILE.replace("NetworkProfile", "SharedResource")
# Any of them in an answer would be obeyed by a terminal.
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


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


def rendered(given: str | bytes, *arguments: str) -> Result:
    """What `render -f -` does, in this process; an exception that is no exit fails the test."""
    result = CliRunner().invoke(main, ["render", "-f", "-", *arguments], input=given)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert not CONTROLS.search(result.output), result.output
    return result


def refused(given: str | bytes, *arguments: str) -> str:
    """What is said to input that cannot be used, on which nothing is printed."""
    result = rendered(given, *arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    return result.stderr
