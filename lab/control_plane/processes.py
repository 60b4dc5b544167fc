"""One component of a control plane as a process.

It is started with a log file of its own, waited for, stopped, and made to fail on purpose. Nothing
here knows of Kubernetes.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from lab.control_plane.errors import NotReadyError, ProcessDiedError

_POLL_INTERVAL = 0.02
_LOG_TAIL_LINES = 15


class Component:
    """A process that can be started, stopped, killed and started again.

    Args:
        name: What to call it in messages, e.g. `kube-apiserver`.
        command: Program and arguments.
        log: File that takes its output; appended to at every start.
        group: Process group to start it in, see `Guardian`.
    """

    def __init__(self, name: str, command: Sequence[str], log: Path, group: int) -> None:
        self.name = name
        self.command = tuple(command)
        self.log = log
        self._group = group
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The pid of the running process, None if there is none."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        """Starts the process; does nothing if it runs.

        Raises:
            ProcessDiedError: The program could not be executed.
        """
        if self.pid is not None:
            return
        with self.log.open("ab") as output:
            try:
                self._process = subprocess.Popen(
                    self.command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=_clean_environment(),
                    process_group=self._group,
                )
            except OSError as error:
                raise ProcessDiedError(
                    f"cannot start {self.name}: {error}; check {self.command[0]}"
                ) from error

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal if the process runs."""
        if self._process is not None:
            self._process.send_signal(number)

    def kill(self) -> None:
        """Ends the process at once, without a chance to tidy up, and waits until it is gone."""
        self.signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
            self._process = None  # it was meant to end, so `check` must not raise

    def stop(self, grace: float = 10.0) -> None:
        """Asks the process to end, and kills it when it has not after `grace` seconds."""
        self.signal(signal.SIGTERM)
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(grace)
        self.kill()

    def check(self) -> None:
        """Raises when the process has ended by itself.

        Raises:
            ProcessDiedError: With its exit status and the end of its log.
        """
        status = None if self._process is None else self._process.poll()
        if status is not None:
            raise ProcessDiedError(
                f"{self.name} ended with status {status}; the end of {self.log}:\n{self.log_tail()}"
            )

    def log_tail(self, lines: int = _LOG_TAIL_LINES) -> str:
        """The last lines of the log, indented, for an error message."""
        try:
            text = self.log.read_text(errors="replace")
        except OSError as error:
            return f"  (unreadable: {error})"
        return "\n".join(f"  {line}" for line in text.splitlines()[-lines:]) or "  (empty)"


def wait_until(
    done: Callable[[], bool], what: str, timeout: float, components: Iterable[Component] = ()
) -> None:
    """Polls until `done()` is true.

    Args:
        done: The condition; it must not block for long.
        what: What is waited for, to complete "... after 30 s: <what>".
        timeout: Seconds to wait at most.
        components: Processes without which the wait is in vain.

    Raises:
        ProcessDiedError: One of the components ended.
        NotReadyError: The time is up.
    """
    components = tuple(components)
    deadline = time.monotonic() + timeout
    while not done():
        for component in components:
            component.check()
        if time.monotonic() > deadline:
            logs = "".join(
                f"\nthe end of {component.log}:\n{component.log_tail()}" for component in components
            )
            raise NotReadyError(f"still waiting after {timeout:.0f} s: {what}{logs}")
        time.sleep(_POLL_INTERVAL)


def _clean_environment() -> dict[str, str]:
    # etcd reads every flag from a variable of this prefix, and would mix a developer's settings in.
    return {name: value for name, value in os.environ.items() if not name.startswith("ETCD_")}
