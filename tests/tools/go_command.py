"""One run of Go on one of the modules here. Knows neither what is built nor where it is kept."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from lab.control_plane import BuildError
from lab.control_plane.golang import Go, install_go, installed_go
from lab.control_plane.progress import Progress

_TOLD_LINES = 20


def toolchain(module: Path) -> Go:
    """A Go that is new enough for the module's go.mod; installs one privately if there is none.

    Raises:
        BuildError: the installation failed.
    """
    match = re.search(r"^go (\d+)\.(\d+)", (module / "go.mod").read_text(), re.MULTILINE)
    if match is None:
        raise BuildError(f"{module / 'go.mod'} does not say which Go it needs")
    minimum = int(match[1]), int(match[2])
    return installed_go(minimum) or install_go(minimum, Progress())


def go_command(go: Go, arguments: Sequence[str], module: Path, group: int | None = None) -> str:
    """Runs Go in the module's folder, which it leaves as it is, and returns what it says.

    Args:
        go: the toolchain.
        arguments: of the `go` command.
        module: the folder of go.mod.
        group: the process group for Go and its compilers; that of this process unless told.

    Raises:
        BuildError: with the end of what Go said.
    """
    settled = {
        "CGO_ENABLED": "0",  # no C compiler needed
        "GOARCH": go.architecture,
        "GOFLAGS": "-mod=readonly",
        "GOOS": go.system,
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }
    result = subprocess.run(
        [str(go.executable), *arguments],
        cwd=module,
        env=os.environ | settled,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        process_group=group,
    )
    if result.returncode != 0:
        said = "\n".join((result.stdout + result.stderr).splitlines()[-_TOLD_LINES:])
        raise BuildError(f"`go {' '.join(arguments)}` failed in {module}:\n{said}")
    return result.stdout
