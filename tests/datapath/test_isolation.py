"""A node touches nothing of the machine's, and leaves nothing, however its process ends."""

from __future__ import annotations

import functools
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.control_plane import ControlPlane, Lab
from tests.cluster.kube import eventually
from tests.datapath.machine import differences, namespace, processes_in, state

_ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def own_plane(_machine: None, lab: Lab) -> Iterator[ControlPlane]:
    """Of these nodes alone: they have the name of the one that the other tests share."""
    with ControlPlane(lab=lab) as plane:
        yield plane


@pytest.mark.parametrize(
    ("end", "number"),
    [
        ("returns", None),
        ("raises", None),
        ("stays", signal.SIGINT),
        ("stays", signal.SIGKILL),
    ],
)
def test_the_machine_is_as_before_while_a_node_runs_and_after_it(
    own_plane: ControlPlane, end: str, number: signal.Signals | None
) -> None:
    before = state()
    with subprocess.Popen(
        [sys.executable, "-m", "tests.datapath.short_node", str(own_plane.kubeconfig), end],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        told = json.loads(line)
        during = state()
        spaces = {kind: namespace(told["pid"], kind) for kind in ("pid", "net", "mnt", "cgroup")}
        # Itself, the agent, and what this one runs.
        assert len(processes_in("pid", spaces["pid"])) > 1
        assert all(namespace(told["pid"], kind) != namespace(process.pid, kind) for kind in spaces)
        if number is None:
            process.stdin.write("\n")
            process.stdin.flush()
        else:
            process.send_signal(number)
        process.communicate()
    assert differences(before, during) == []
    # Of a killed process the guardian cleans up, a moment later.
    eventually(lambda: not Path(told["cgroup"]).exists(), "its cgroup to be gone")
    eventually(lambda: not Path(told["folder"]).exists(), "its folder to be gone")
    for kind, name in spaces.items():
        empty = functools.partial(_is_empty, kind, name)
        eventually(empty, f"its {kind} namespace to be empty")
    assert differences(before, state()) == []


def _is_empty(kind: str, name: str) -> bool:
    return not processes_in(kind, name)
