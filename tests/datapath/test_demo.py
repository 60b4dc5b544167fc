"""`python -m lab demo --datapath` as a person runs it: a process with a node of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.control_plane import Lab

pytestmark = pytest.mark.usefixtures("_machine")

_ROOT = Path(__file__).resolve().parents[2]
_SECONDS = 120.0
_MARK = "HOMELAB_NETPOL_TEST_MARK"

_LABEL = "access.network-policy.homelab/postgres"
_HATCH = "network-policy.homelab/enforcement"
_TO_DATABASE = "blog/web -> database/postgres TCP/5432"
_TO_INTERNET = "blog/web -> the internet TCP/22"
# Commands and packets, in the order in which they must be shown.
_PROMISED = (
    rf"{_TO_DATABASE} +dropped",
    r"Hubble: DROPPED POLICY_DENIED EGRESS blog/web:\d+ \(ID:\d+\) -> database/postgres:5432 \(ID:",
    r"\$ homelab-netpol diagnose ",
    rf".*kubectl label namespace blog {_LABEL}=true",
    rf"\$ kubectl label namespace blog {_LABEL}=true",
    rf"{_TO_DATABASE} +passed +\d+ ms after the label",
    r"wiki/web -> database/postgres TCP/5432 +dropped",
    rf"\$ kubectl label namespace blog {_LABEL}-",
    rf"{_TO_DATABASE} +dropped +\d+ ms after the label",
    rf"{_TO_INTERNET} +dropped",
    rf"\$ kubectl label namespace blog {_HATCH}=disabled",
    rf"{_TO_INTERNET} +passed +\d+ ms after the label",
    rf"\$ kubectl label namespace blog {_HATCH}-",
    rf"{_TO_INTERNET} +dropped +\d+ ms after the label",
    r"Every packet did what the labels say\.",
)


def test_it_shows_dropped_diagnosed_passed_and_the_hatch_and_leaves_nothing(
    lab: Lab, tmp_path: Path
) -> None:
    with _demo(lab, tmp_path) as demo:
        shown, notes = demo.communicate(timeout=_SECONDS)

    assert demo.returncode == 0, shown + notes
    lines = iter(shown.splitlines())
    for pattern in _PROMISED:
        # Each further than the one before.
        assert any(re.match(pattern, line) for line in lines), f"no {pattern!r} in:\n{shown}"
    assert "--identity-max-jitter=0s" in shown
    # No colours, and nothing that moves.
    assert "\x1b" not in shown + notes


@pytest.mark.parametrize(
    "moment",
    ["Started a Kubernetes API server", "Started the operator", "$ homelab-netpol diagnose"],
)
def test_ctrl_c_takes_everything_down(lab: Lab, tmp_path: Path, moment: str) -> None:
    with _demo(lab, tmp_path, together=True) as demo:
        assert demo.stdout is not None
        assert any(line.startswith(moment) for line in demo.stdout)
        # As a terminal does: to all that are in front.
        os.killpg(demo.pid, signal.SIGINT)
        demo.communicate(timeout=_SECONDS)

    assert demo.returncode == 128 + signal.SIGINT


@contextmanager
def _demo(lab: Lab, folder: Path, *, together: bool = False) -> Iterator[subprocess.Popen[str]]:
    """The demo; when it has ended, nothing of it may be left.

    Args:
        lab: the binary.
        folder: an empty one, for its temporary files.
        together: standard error goes where standard output does.
    """
    mark = uuid.uuid4().hex
    path = os.pathsep.join((str(_ROOT), str(_ROOT / "operator")))
    own = {"PYTHONPATH": path, "HOMELAB_NETPOL_LAB": str(lab.binary)}
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "lab", "demo", "--datapath"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if together else subprocess.PIPE,
        text=True,
        env={**os.environ, **own, "TMPDIR": str(folder), _MARK: mark},
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
    assert _processes(mark) == []
    assert list(folder.iterdir()) == []


def _processes(mark: str) -> list[str]:
    """The programs that have the mark in their environment, which all inherit from the demo."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if f"{_MARK}={mark}".encode() in (path / "environ").read_bytes():
                found.append((path / "comm").read_text().strip())
        except OSError:  # it has ended meanwhile
            continue
    return found
