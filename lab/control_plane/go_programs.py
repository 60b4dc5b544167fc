"""Builds the programs that a go.mod names as its tools, all of a file, for each state of it.

They go into the user's cache, beside the lab binary, with which they share Go's own build cache.
"""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from lab.control_plane.errors import BuildError
from lab.control_plane.go_command import go_command, toolchain
from lab.control_plane.golang import Go
from lab.control_plane.guardian import Guardian
from lab.control_plane.paths import cache_directory
from lab.control_plane.progress import Progress

_KEPT_BUILDS = 2
_WORK_MARK = ".building-"

# What is to be in the folder beside the programs; called with the toolchain and the folder.
Addition = Callable[[Go, Path], None]


def go_programs(module: Path, home: str, what: str, add: Addition | None = None) -> Path:
    """The folder of the programs, from the cache or built now, which takes minutes the first time.

    Args:
        module: The folder of the go.mod that names them by `tool`.
        home: A path for them in the cache directory.
        what: They, to say what is being built.
        add: Puts further files into the folder before it counts as built.

    Raises:
        BuildError: With the end of the compiler's output, or with what is missing.
    """
    folder = cache_directory() / home
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "build.lock").open("a") as lock:
            # The kernel releases it when its holder ends, in whatever way.
            fcntl.flock(lock, fcntl.LOCK_EX)
            go = toolchain(module)
            built = folder / _key(go, module)
            if not built.is_dir():
                _build(go, module, built, what, add)
                _prune(folder)
            os.utime(built)  # _prune keeps what was used last
    except OSError as error:
        raise BuildError(f"cannot build into {folder}: {error}") from error
    return built


def _key(go: Go, module: Path) -> str:
    digest = hashlib.sha256(f"{go.version} {go.system} {go.architecture}\0".encode())
    for name in ("go.mod", "go.sum"):
        digest.update((module / name).read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _build(go: Go, module: Path, folder: Path, what: str, add: Addition | None) -> None:
    for stale in folder.parent.glob(f"*{_WORK_MARK}*"):
        shutil.rmtree(stale, ignore_errors=True)  # we hold the lock: nobody builds in it
    work = Path(tempfile.mkdtemp(prefix=f"{folder.name}{_WORK_MARK}", dir=folder.parent))
    progress = Progress()
    # If this process is killed, the compilers and what they wrote go with it.
    with Guardian(remove=[work]) as guardian:
        progress.begin(
            f"building {what} with {go.version}: once, and the first "
            "time it takes minutes and downloads some hundred MB of Go modules"
        )
        built = work / "programs"
        flags = ["-trimpath", "-buildvcs=false", "-ldflags", "-s -w"]
        arguments = ["build", *flags, "-o", f"{built}/", "tool"]
        go_command(go, arguments, module, group=guardian.group)
        if add is not None:
            add(go, built)
        built.rename(folder)
    progress.end(f"built {folder}")


def _prune(home: Path) -> None:
    builds = [path for path in home.iterdir() if path.is_dir()]
    for path in sorted(builds, key=lambda path: path.stat().st_mtime)[:-_KEPT_BUILDS]:
        shutil.rmtree(path, ignore_errors=True)
