"""Runs a command in an image's file system, as a container engine would, with what Linux has.

A layer is a directory with what was added or changed; a file that went is marked as overlayfs marks
it. Below it lies this machine's own file system, which is never written to.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

_TOOLS = ("unshare", "nsenter", "setpriv", "chroot", "mount", "env")


def required() -> None:
    """Skips the test where there is no way to mount layers."""
    # `make test` runs without root and system packages; `.ci/run` has both, and skips nothing.
    if os.geteuid() != 0:
        pytest.skip("mounting the image's layers takes root: sudo -E make delivery")
    # A system other than Linux has no unshare, and there is no other way to make namespaces.
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)} (util-linux, coreutils)")
    with tempfile.TemporaryDirectory() as folder:
        layer, scratch = Path(folder, "layer"), Path(folder, "scratch")
        layer.mkdir()
        probe = changing(layer, scratch, ["/bin/true"])
        done = subprocess.run(probe, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        # Some containers withhold it even from root.
        pytest.skip(f"overlayfs cannot be mounted here: {done.stderr.strip()}")


def isolated(script: str) -> list[str]:
    """A shell script with mounts and processes of its own, whose end is the end of both.

    The script's shell is process 1, until it replaces itself.
    """
    own = ["--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"]
    return ["unshare", *own, "/bin/sh", "-ec", script]


def changing(layer: Path, scratch: Path, command: Sequence[str]) -> list[str]:
    """The command line that runs a command on a layer; what it changes goes there.

    Args:
        layer: what was added to this machine's file system so far.
        scratch: a directory for overlayfs, on the same file system as the layer.
        command: what to run.
    """
    root = scratch / "root"
    return isolated(_mounted(layer, scratch, root) + f"\nexec chroot {root} {shlex.join(command)}")


def unchangeable(
    layer: Path, scratch: Path, shown: Mapping[str, Path], command: Sequence[str]
) -> list[str]:
    """The command line that runs a command on a layer as an engine with a read-only root does.

    Only `/tmp` can be written to: it is empty memory.

    Args:
        layer: what was added to this machine's file system.
        scratch: a directory for overlayfs, on the same file system as the layer.
        shown: directories to show read-only, by where.
        command: what to run.
    """
    root = scratch / "root"
    for place in shown:
        (layer / place.lstrip("/")).mkdir(parents=True, exist_ok=True)
    temporary = root / "tmp"
    lines = [
        _mounted(layer, scratch, root),
        f"mount -o remount,ro {root}",
        f"mount -t tmpfs -o mode=1777,size=16m tmpfs {temporary}",
    ]
    for place, source in shown.items():
        lines.append(f"mount --bind {source} {root}{place}")
        lines.append(f"mount -o remount,bind,ro {root}{place}")
    return isolated("\n".join([*lines, f"exec chroot {root} {shlex.join(command)}"]))


def environment(variables: Mapping[str, str], folder: str) -> list[str]:
    """The beginning of a command line: these variables and no others, in a directory."""
    return ["env", "-i", f"--chdir={folder}", *(f"{key}={it}" for key, it in variables.items())]


def _mounted(layer: Path, scratch: Path, root: Path) -> str:
    work = scratch / "work"
    for folder in (work, root):
        folder.mkdir(parents=True, exist_ok=True)
    return (
        f"mount -t overlay -o lowerdir=/,upperdir={layer},workdir={work} overlay {root}\n"
        f"mount -t proc proc {root}/proc\n"
        f"mount --bind /dev {root}/dev"
    )
