"""Builds the lab binary from lab/go into the user's cache.

Once for each state of the sources and each toolchain.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO

from lab.control_plane.errors import BuildError
from lab.control_plane.gobuild import GoModule
from lab.control_plane.golang import Go, install_go, installed_go
from lab.control_plane.guardian import Guardian
from lab.control_plane.paths import cache_directory
from lab.control_plane.progress import Progress

_BINARY = "netpol-lab"
_KEPT_BUILDS = 3
_WORK_MARK = ".building-"

# What the sources embed of other modules, which `go:embed` cannot reach: file, module, its path.
_BORROWED = (
    ("istio_crds.yaml", "istio.io/api", "kubernetes/customresourcedefinitions.gen.yaml"),
    (
        "network_policy_api_crds.yaml",
        "sigs.k8s.io/network-policy-api",
        "config/crd/standard/policy.networking.k8s.io_clusternetworkpolicies.yaml",
    ),
)


@dataclass(frozen=True)
class Sources:
    """The Go module as it stands, read once, so that what is built is what was hashed."""

    files: Mapping[str, bytes]

    @cached_property
    def minimum_go(self) -> tuple[int, int]:
        """The oldest Go release that builds the module."""
        match = self._in_go_mod(r"^go (\d+)\.(\d+)")
        return int(match[1]), int(match[2])

    @cached_property
    def link_flags(self) -> str:
        """Flags that shrink the binary and give it the version that its API server reports."""
        match = self._in_go_mod(r"^\s*k8s\.io/kubernetes (v(\d+)\.(\d+)\.\S+)")
        values = {"gitVersion": match[1], "gitMajor": match[2], "gitMinor": match[3]}
        # Without a version that they can parse, clients turn away.
        package = "k8s.io/component-base/version"
        stamps = (f"-X {package}.{key}={value}" for key, value in values.items())
        return " ".join(("-s -w", *stamps))

    def key(self, go: Go) -> str:
        """A name for the build of these sources with this toolchain."""
        digest = hashlib.sha256()
        for text in (go.version, go.system, go.architecture, self.link_flags):
            digest.update(text.encode() + b"\0")
        for name, content in sorted(self.files.items()):
            digest.update(f"{name} {len(content)}\0".encode() + content)
        return digest.hexdigest()[:16]

    def _in_go_mod(self, pattern: str) -> re.Match[str]:
        match = re.search(pattern, self.files["go.mod"].decode(), re.MULTILINE)
        if match is None:
            raise BuildError(f"the lab's go.mod has no line like {pattern!r}")
        return match


def read_sources() -> Sources:
    """The sources in lab/go."""
    folder = Path(__file__).parents[1] / "go"
    files = {
        entry.name: entry.read_bytes()
        for entry in folder.iterdir()
        if entry.name in ("go.mod", "go.sum")
        or (entry.name.endswith(".go") and not entry.name.endswith("_test.go"))
    }
    if "go.mod" not in files:
        raise BuildError(
            f"{folder} has no go.mod: the lab runs in a checkout only, so restore it from git"
        )
    return Sources(files)


def lab_binary(progress: Progress | None = None) -> Path:
    """The lab binary, from the cache or built now, which takes minutes the first time.

    Raises:
        BuildError: With the end of the compiler's output, or with what is missing.
    """
    progress = progress or Progress()
    sources = read_sources()
    home = cache_directory() / "lab"
    go = installed_go(sources.minimum_go)
    if go and (binary := home / sources.key(go) / _BINARY).is_file():
        with contextlib.suppress(OSError):
            os.utime(binary.parent)  # _prune keeps what was used last
        return binary
    try:
        home.mkdir(parents=True, exist_ok=True)
        with _lock(home / "build.lock", progress):
            go = installed_go(sources.minimum_go) or install_go(sources.minimum_go, progress)
            binary = home / sources.key(go) / _BINARY
            if not binary.is_file():  # the last holder of the lock may have built it
                _build(sources, go, binary, progress)
                _prune(home)
    except OSError as error:
        raise BuildError(
            f"cannot build into {home}: {error}; XDG_CACHE_HOME may name another folder"
        ) from error
    return binary


@contextlib.contextmanager
def _lock(path: Path, progress: Progress) -> Iterator[None]:
    # The kernel releases the lock when its holder ends, in whatever way.
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.begin("another process is building the lab binary: waiting for it")
            while not _try_lock(file):
                progress.update("another process is building the lab binary: waiting")
                time.sleep(0.2)
        yield


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _build(sources: Sources, go: Go, binary: Path, progress: Progress) -> None:
    home = binary.parent.parent
    for stale in home.glob(f"*{_WORK_MARK}*"):
        shutil.rmtree(stale, ignore_errors=True)  # we hold the lock, so no build is using it
    # Never the same twice: of a build that was just killed, the guardian may still be cleaning up.
    work = Path(tempfile.mkdtemp(prefix=f"{binary.parent.name}{_WORK_MARK}", dir=home))
    with Guardian(remove=[work]) as guardian:
        module = work / "module"
        module.mkdir()
        for name, content in sources.files.items():
            (module / name).write_bytes(content)
        progress.begin(
            f"building the lab binary with {go.version}: once, and the first time it takes minutes "
            "and downloads some hundred MB of Go modules"
        )
        go_module = GoModule(module, go, guardian.group, progress)
        for name, owner, path in _BORROWED:
            shutil.copyfile(go_module.directory_of(owner) / path, module / name)
        go_module.build(work / _BINARY, sources.link_flags)
        binary.parent.mkdir(exist_ok=True)
        (work / _BINARY).replace(binary)
    progress.end(f"built {binary}")


def _prune(home: Path) -> None:
    builds = [path for path in home.iterdir() if (path / _BINARY).is_file()]
    for path in sorted(builds, key=lambda path: path.stat().st_mtime)[:-_KEPT_BUILDS]:
        shutil.rmtree(path, ignore_errors=True)
