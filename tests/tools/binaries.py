"""Builds the programs that the go.mod files here name, all of a file, for each state of it.

They go into the user's cache, beside the lab binary, with which they share Go's own build cache.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import shutil
import tempfile
from pathlib import Path

from lab.control_plane import BuildError
from lab.control_plane.golang import Go
from lab.control_plane.guardian import Guardian
from lab.control_plane.paths import cache_directory
from lab.control_plane.progress import Progress
from tests.tools.go_command import go_command, toolchain

# Which file names which programs: what Hubble needs of Kubernetes is not what Helm needs.
PROGRAMS = {
    "programs": ("actionlint", "helm", "kubeconform", "kustomize"),
    "hubble": ("hubble",),
}
_KEPT_BUILDS = 2
_WORK_MARK = ".building-"


@functools.cache
def tool(name: str) -> Path:
    """A program, e.g. `helm`, from the cache or built now, which takes minutes the first time.

    Raises:
        BuildError: with the end of the compiler's output, or with what is missing.
        LookupError: no go.mod names such a program.
    """
    for module, names in PROGRAMS.items():
        if name in names:
            return _programs(Path(__file__).with_name(module)) / name
    known = ", ".join(sorted(name for names in PROGRAMS.values() for name in names))
    raise LookupError(f"there is no program {name}, only {known}")


@functools.cache
def _programs(module: Path) -> Path:
    home = cache_directory() / "test-tools" / module.name
    try:
        home.mkdir(parents=True, exist_ok=True)
        with (home / "build.lock").open("a") as lock:
            # The kernel releases it when its holder ends, in whatever way.
            fcntl.flock(lock, fcntl.LOCK_EX)
            go = toolchain(module)
            folder = home / _key(go, module)
            if not folder.is_dir():
                _build(go, module, folder)
                _prune(home)
    except OSError as error:
        raise BuildError(f"cannot build into {home}: {error}") from error
    return folder


def _key(go: Go, module: Path) -> str:
    digest = hashlib.sha256(f"{go.version} {go.system} {go.architecture}\0".encode())
    for name in ("go.mod", "go.sum"):
        digest.update((module / name).read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _build(go: Go, module: Path, folder: Path) -> None:
    for stale in folder.parent.glob(f"*{_WORK_MARK}*"):
        shutil.rmtree(stale, ignore_errors=True)  # we hold the lock: nobody builds in it
    work = Path(tempfile.mkdtemp(prefix=f"{folder.name}{_WORK_MARK}", dir=folder.parent))
    progress = Progress()
    # If this process is killed, the compilers and what they wrote go with it.
    with Guardian(remove=[work]) as guardian:
        progress.begin(
            f"building {', '.join(PROGRAMS[module.name])} with {go.version}: once, and the first "
            "time it takes minutes and downloads some hundred MB of Go modules"
        )
        built = work / "programs"
        flags = ["-trimpath", "-buildvcs=false", "-ldflags", "-s -w"]
        arguments = ["build", *flags, "-o", f"{built}/", "tool"]
        go_command(go, arguments, module, group=guardian.group)
        built.rename(folder)
    progress.end(f"built {folder}")


def _prune(home: Path) -> None:
    builds = [path for path in home.iterdir() if path.is_dir()]
    for path in sorted(builds, key=lambda path: path.stat().st_mtime)[:-_KEPT_BUILDS]:
        shutil.rmtree(path, ignore_errors=True)
