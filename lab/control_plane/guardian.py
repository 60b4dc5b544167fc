"""Ends child processes and removes directories when this process ends, in whatever way.

This is the parent's side of guardian_process.py, which explains how it works.
"""

import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from lab.control_plane.errors import LocalClusterError

_SCRIPT = Path(__file__).with_name("guardian_process.py")
_CLOSE_TIMEOUT = 15.0
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Guardian:
    """A process group that dies with this process, and directories that go with it.

    Start a process with `subprocess.Popen(..., process_group=guardian.group)` to guard it.

    Args:
        remove: Directories to remove once every process of the group is gone.
    """

    def __init__(self, remove: Iterable[Path] = ()) -> None:
        # -I and -S: nothing of the user's Python set-up can break it, and it starts in 20 ms.
        command = [
            sys.executable,
            "-I",
            "-S",
            str(_SCRIPT),
            *(str(path.absolute()) for path in remove),
        ]
        # It inherits this, so that Ctrl-C cannot end it before it has come to ignore that.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd="/",
            )
        except OSError as error:
            raise LocalClusterError(f"cannot start {command[0]}: {error}") from error
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self._group: int | None = None

    @property
    def group(self) -> int:
        """The number of the process group to start processes in."""
        if self._group is None:
            if self._process.stdout is None:  # never: it was asked for above
                raise LocalClusterError("the guardian process has no output")
            answer = self._process.stdout.readline()
            if not answer.strip().isdigit():
                raise LocalClusterError(
                    f"the guardian process did not start (status {self._process.wait()}); "
                    f"try it by hand: {sys.executable} -I -S {_SCRIPT}"
                )
            self._group = int(answer)
        return self._group

    def close(self) -> None:
        """Kills what is left of the group, removes the directories, and waits for both."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(_CLOSE_TIMEOUT)
        finally:
            if self._process.stdout is not None:
                self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
