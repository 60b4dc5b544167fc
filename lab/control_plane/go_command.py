"""One run of Go on one module. Knows neither what is built nor where it is kept."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from lab.control_plane.errors import BuildError
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


def module_directory(module: Path, required: str, go: Go) -> Path:
    """The sources of a module that a go.mod requires; downloads them if need be.

    What was downloaded is held against the hash in go.sum, beside it.

    Args:
        module: The folder of go.mod.
        required: The path of the module that it requires.
        go: The toolchain.

    Raises:
        BuildError: go.mod does not require it, or it cannot be had, with what Go said.
    """
    said = go_command(go, ["mod", "download", "-json", required], module)
    return Path(json.loads(said)["Dir"])
