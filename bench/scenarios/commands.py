"""The commands for who writes and reviews: over large trees of manifests, without a cluster.

Byte code is there, as it is for an installed package; each command runs once before it is measured.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile

from bench.load.flows import write_flows
from bench.load.trees import name_of, write_namespaces, write_policies
from bench.scenarios.bench_plane import Extent
from bench.subjects import Subject, SubjectError

NAMESPACES, CHANGES, HAND_WRITTEN, JUDGED = 1_000, 20, 1_000, 5_000
FLOWS = 100_000
_MOST_SAMPLES = 10
# 0: nothing was found; 1: something was.
_ANSWERS = (0, 1)
_NO_SUCH_COMMAND = "No such command"


@dataclass(frozen=True, slots=True)
class CommandsResult:
    """One round.

    Attributes:
        seconds: of each call, from the start of the process to its end, by what was called.
        cpu: likewise the CPU time, of user and system.
        absent: what could not be measured, and why.
        memory: likewise the most memory that the process had, resident, in MiB.
    """

    seconds: Mapping[str, Sequence[float]]
    cpu: Mapping[str, Sequence[float]]
    absent: Mapping[str, str]
    memory: Mapping[str, Sequence[float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Used:
    """What one call took: seconds, seconds of CPU time, MiB."""

    seconds: float
    cpu: float
    memory: float


def measure_commands(subject: Subject, extent: Extent) -> CommandsResult:
    """Calls each command so often, one call after the other."""
    seconds: dict[str, list[float]] = {}
    cpu: dict[str, list[float]] = {}
    memory: dict[str, list[float]] = {}
    absent: dict[str, str] = {}
    with TemporaryDirectory(prefix="homelab-netpol-trees-") as folder:
        environment = {**os.environ, **subject.environment}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        environment["PYTHONPYCACHEPREFIX"] = str(Path(folder, "byte-code"))
        calls = _calls(Path(folder))
        there = {
            each: _is_there(each, environment) for each in {call[0] for call in calls.values()}
        }
        for name, arguments in calls.items():
            if not there[arguments[0]]:
                absent[name] = f"there is no command {arguments[0]}"
                continue
            _call(name, arguments, environment)
            found = [
                _call(name, arguments, environment)
                for _ in range(min(extent.samples, _MOST_SAMPLES))
            ]
            seconds[name], cpu[name] = [e.seconds for e in found], [e.cpu for e in found]
            memory[name] = [each.memory for each in found]
    return CommandsResult(seconds, cpu, absent, memory)


def _calls(folder: Path) -> dict[str, list[str]]:
    old = str(write_namespaces(folder / "old", NAMESPACES))
    new = str(write_namespaces(folder / "new", NAMESPACES, changed=CHANGES))
    policies = str(write_policies(folder / "policies", HAND_WRITTEN, NAMESPACES))
    judged = str(write_policies(folder / "judged", JUDGED, NAMESPACES))
    small = str(write_namespaces(folder / "small", 1))
    flows = str(write_flows(folder / "flows.json", FLOWS, NAMESPACES))
    ends = [name_of(0), "database", "--port", "5432/TCP"]
    return {
        f"render, {NAMESPACES:,} namespaces": ["render", "-f", old],
        f"diff, {NAMESPACES:,} namespaces": ["diff", old, new],
        f"lint, {HAND_WRITTEN:,} policies": ["lint", "-f", policies],
        f"explain, {JUDGED:,} policies": ["explain", "-f", old, "-f", judged, *ends],
        f"diagnose, {FLOWS:,} drops": ["diagnose", flows, "-f", old],
        f"watch-change, {FLOWS:,} flows": [
            *("watch-change", name_of(0), "--before", flows, "--after", flows, "-f", old)
        ],
        "start of render": ["render", "-f", small],
        "start of diff": ["diff", small, small],
        "start of lint": ["lint", "-f", small],
        "start of explain": ["explain", "-f", small, *ends],
    }


def _is_there(command: str, environment: Mapping[str, str]) -> bool:
    done = subprocess.run(
        [sys.executable, "-m", "homelab_netpol", command, "--help"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return _NO_SUCH_COMMAND not in done.stderr


def _call(name: str, arguments: Sequence[str], environment: Mapping[str, str]) -> _Used:
    """Calls a command once.

    Raises:
        SubjectError: it gives no answer.
    """
    command = [sys.executable, "-m", "homelab_netpol", *arguments]
    with TemporaryFile() as said:
        began = time.monotonic()
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=said)
        # Of this one process; `resource` knows only the largest of all that have ended.
        _, status, used = os.wait4(process.pid, 0)
        took = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in _ANSWERS:
            said.seek(0)
            words = said.read().decode("utf-8", "replace")[-500:]
            raise SubjectError(f"{name}: status {process.returncode}: {words}")
    return _Used(took, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
