"""promtool, Prometheus' own judge of rules and metrics."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.programs import program


def promtool(*arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Runs promtool, whatever comes of it."""
    command = [program("promtool"), *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
