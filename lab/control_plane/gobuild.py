"""Runs `go build`, and shows its progress.

It does not know where sources come from or where binaries are kept.
"""

import collections
import os
import re
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

from lab.control_plane.errors import BuildError
from lab.control_plane.golang import Go
from lab.control_plane.progress import Progress

_ERROR_LINES = 20
_PACKAGE = re.compile(r"[\w.~/-]+")  # what -v prints of a package that it compiles: its path
_DOWNLOAD = "go: downloading "


@dataclass(frozen=True)
class GoModule:
    """A Go module in a directory, and what to build it with.

    Attributes:
        directory: Where its go.mod is.
        go: The toolchain.
        group: Process group for the compilers, see `Guardian`.
        progress: Where to show progress.
    """

    directory: Path
    go: Go
    group: int
    progress: Progress

    def directory_of(self, required: str) -> Path:
        """Where the sources of a module are that go.mod requires; downloads them if need be.

        Raises:
            BuildError: With the end of Go's output.
        """
        self._run(["mod", "download", required], f"looking for {required}", 0)
        found = self._run(["list", "-m", "-f", "{{.Dir}}", required], f"looking for {required}", 0)
        return Path(found.stdout.strip())

    def build(self, output: Path, link_flags: str) -> None:
        """Builds the module's main package.

        Raises:
            BuildError: With the end of Go's output.
        """
        # First, because it downloads what is missing, and counts the packages.
        packages = self._run(["list", "-deps", "."], "looking for modules", 0).stdout.count("\n")
        flags = ["-v", "-trimpath", "-buildvcs=false", "-ldflags", link_flags]
        self._run(["build", *flags, "-o", str(output), "."], "compiling and linking", packages)

    def _run(self, arguments: list[str], step: str, packages: int) -> "_Output":
        environment = os.environ | {
            "CGO_ENABLED": "0",  # no C compiler needed
            "GOARCH": self.go.architecture,
            "GOFLAGS": "-mod=readonly",
            "GOOS": self.go.system,
            "GOTOOLCHAIN": "local",
            "GOWORK": "off",
        }
        process = subprocess.Popen(
            [str(self.go.executable), *arguments],
            cwd=self.directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            process_group=self.group,
        )
        output = _Output(process)
        try:
            while not output.ended(0.2):
                self.progress.update(f"building the lab binary: {output.describe(step, packages)}")
            status = process.wait()
        except BaseException:
            process.kill()  # its guardian ends the compilers
            process.wait()
            raise
        if status != 0:
            raise BuildError(
                f"`go {arguments[0]}` of the lab binary failed with status {status}:\n"
                f"{output.tail()}\n"
                "Try again when the cause is gone: what was built so far is kept. The first build "
                "needs access to a Go module proxy (`go env GOPROXY`) and 4 GB of disk space."
            )
        return output


class _Output:
    """Reads the output of a Go command while it runs."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._lines: collections.deque[str] = collections.deque(maxlen=_ERROR_LINES)
        self._downloads = 0
        self._compiled = 0
        self._latest = ""
        self.stdout = ""
        readers = (self._read_stdout, self._read_stderr)
        self._threads = [threading.Thread(target=read, daemon=True) for read in readers]
        for thread in self._threads:
            thread.start()

    def ended(self, timeout: float) -> bool:
        """Whether all output has been read; waits for that for `timeout` seconds."""
        self._threads[-1].join(timeout)
        return not any(thread.is_alive() for thread in self._threads)

    def describe(self, step: str, packages: int) -> str:
        """What the command is doing."""
        if packages:
            # At most: those that are in Go's cache are not compiled again, nor counted.
            return f"{step}, {self._compiled} of at most {packages} packages done {self._latest}"
        return f"{step}, {self._downloads} modules downloaded {self._latest}"

    def tail(self) -> str:
        """The last lines that were not about progress."""
        return "\n".join(f"  {line}" for line in self._lines) or "  (no output)"

    def _read_stdout(self) -> None:
        if self._process.stdout is not None:
            self.stdout = self._process.stdout.read()

    def _read_stderr(self) -> None:
        for line in self._process.stderr or ():
            text = line.rstrip()
            if text.startswith(_DOWNLOAD):
                self._downloads += 1
                self._latest = text.removeprefix(_DOWNLOAD)
            elif _PACKAGE.fullmatch(text):
                self._compiled += 1
                self._latest = text
            else:
                self._lines.append(text)
