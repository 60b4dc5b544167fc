"""The command line alone: how long `--help` takes, without a cluster."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass

from bench.scenarios.bench_plane import Extent
from bench.subjects import Subject


@dataclass(frozen=True, slots=True)
class CommandLineResult:
    """One round.

    Attributes:
        seconds: of each call, from the start of the process to its end.
    """

    seconds: list[float]


def measure_command_line(subject: Subject, extent: Extent) -> CommandLineResult:
    """Calls `homelab-netpol --help` so often, one call after the other."""
    command = [sys.executable, "-m", "homelab_netpol", "--help"]
    environment = {**os.environ, **subject.environment}
    found = []
    for _ in range(extent.samples):
        began = time.monotonic()
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
        found.append(time.monotonic() - began)
    return CommandLineResult(found)
