"""The processes of local control planes: to find them, and to wait until they are gone."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from lab.control_plane import Lab

ROOT = Path(__file__).resolve().parents[2]


def processes_of(directory: Path) -> list[str]:
    """The command lines of all processes that mention a directory."""
    if Path("/proc/self/cmdline").exists():
        lines = []
        for file in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                lines.append(file.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    else:
        command = ["ps", "-axo", "command="]
        found = subprocess.run(command, capture_output=True, text=True, check=True)
        lines = found.stdout.splitlines()
    return [line for line in lines if str(directory) in line]


def eventually(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Whether a condition holds before the time is up."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def is_clean(directory: Path) -> bool:
    """Whether a directory is empty, and no process mentions it."""
    return not processes_of(directory) and not list(directory.iterdir())


@contextlib.contextmanager
def owner_of_a_plane(directory: Path, lab: Lab) -> Iterator[subprocess.Popen[str]]:
    """A process that starts a plane in a directory, says `ready`, and sleeps."""
    script = (
        "import time; from lab.control_plane import ControlPlane\n"
        "with ControlPlane() as plane: print('ready', flush=True); time.sleep(600)"
    )
    environment = os.environ | {
        "HOMELAB_NETPOL_LAB": str(lab.binary),
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "operator"))),
        "TMPDIR": str(directory),
    }
    command = [sys.executable, "-c", script]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
