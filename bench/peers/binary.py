"""Builds the peer in Go, once for each state of its sources, into the user's cache."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lab.control_plane import BuildError
from lab.control_plane.build import Sources
from lab.control_plane.gobuild import GoModule
from lab.control_plane.golang import Go, install_go, installed_go
from lab.control_plane.guardian import Guardian
from lab.control_plane.paths import cache_directory
from lab.control_plane.progress import Progress

_MODULE = Path(__file__).with_name("controller_runtime")
_BINARY = "controller-runtime-peer"
_KEPT_BUILDS = 3
_WORK_MARK = ".building-"


@dataclass(frozen=True)
class _PeerSources(Sources):
    """The peer's Go module, read once, so that what is built is what was hashed."""

    @cached_property
    def link_flags(self) -> str:
        """Flags that shrink the binary; it needs no version, unlike the lab's."""
        return "-s -w"


def go_peer(progress: Progress | None = None) -> Path:
    """The controller-runtime operator, from the cache or built now, which takes a minute or two.

    Raises:
        BuildError: with the end of the compiler's output, or with what is missing.
    """
    progress = progress or Progress()
    wanted = [*_MODULE.glob("*.go"), _MODULE / "go.mod", _MODULE / "go.sum"]
    sources = _PeerSources({path.name: path.read_bytes() for path in wanted})
    home = cache_directory() / "bench-peers"
    try:
        home.mkdir(parents=True, exist_ok=True)
        with (home / "build.lock").open("a") as lock:
            # The kernel releases it when its holder ends, also by a kill.
            fcntl.flock(lock, fcntl.LOCK_EX)
            go = installed_go(sources.minimum_go) or install_go(sources.minimum_go, progress)
            folder = home / sources.key(go)
            if not (folder / _BINARY).is_file():
                _build(sources, go, folder, progress)
                _prune(home)
    except OSError as error:
        raise BuildError(f"cannot build into {home}: {error}") from error
    return folder / _BINARY


def _build(sources: Sources, go: Go, folder: Path, progress: Progress) -> None:
    for stale in folder.parent.glob(f"*{_WORK_MARK}*"):
        shutil.rmtree(stale, ignore_errors=True)  # we hold the lock, so no build uses it
    work = Path(tempfile.mkdtemp(prefix=f"{folder.name}{_WORK_MARK}", dir=folder.parent))
    with Guardian(remove=[work]) as guardian:
        module = work / "module"
        module.mkdir()
        for name, content in sources.files.items():
            (module / name).write_bytes(content)
        progress.begin(f"building the peer on controller-runtime with {go.version}")
        built = work / _BINARY
        GoModule(module, go, guardian.group, progress).build(built, sources.link_flags)
        folder.mkdir(exist_ok=True)
        built.replace(folder / _BINARY)
    progress.end(f"built {folder / _BINARY}")


def _prune(home: Path) -> None:
    builds = [path for path in home.iterdir() if (path / _BINARY).is_file()]
    for path in sorted(builds, key=lambda path: path.stat().st_mtime)[:-_KEPT_BUILDS]:
        shutil.rmtree(path, ignore_errors=True)
