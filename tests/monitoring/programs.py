"""The programs of Debian's packages that these tests run."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


def debian_program(name: str, package: str) -> str:
    """Where a program is; skips the test when its package is not installed."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: apt-get install {package}")
    return found


def promtool(*arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Runs promtool, whatever comes of it."""
    program = debian_program("promtool", "prometheus")
    command = [program, *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
