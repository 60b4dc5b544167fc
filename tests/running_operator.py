"""Runs the operator as its users do: a process of its own, with a settings file.

    with running_operator(
        cluster.kubeconfig, {"defaultDeny": "labelled"}, context=cluster.context
    ) as operator:
        ...                       # its first full reconcile is done
        operator.metrics()        # the text of /metrics

Leaving the block stops it with SIGTERM. An operator that ends otherwise, or with a status other
than 0, is an error that shows the end of its log.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from lab.free_port import free_port
from lab.loopback import read_page

_SOURCE_ROOT = Path(__file__).resolve().parent.parent / "operator"
_TAIL_LINES = 40


class OperatorError(AssertionError):
    """The operator did not start, died, or did not end as it should; shows its log's end."""


class RunningOperator:
    """An operator process that somebody else started; see `running_operator`.

    Attributes:
        log: the file that holds what it wrote to stdout and stderr.
        url: where its own HTTP server answers, such as http://127.0.0.1:40123.
    """

    def __init__(self, process: subprocess.Popen[bytes], log: Path, url: str) -> None:
        self.log = log
        self.url = url
        self._process = process
        self._ended_as_asked = False

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """The process has not ended."""
        return self._process.poll() is None

    def metrics(self) -> str:
        """What /metrics shows now."""
        return self.get("/metrics")

    def ready(self) -> bool:
        """Whether /readyz says that the caches are filled and the first full reconcile is done."""
        try:
            self.get("/readyz")
        except OSError:  # refused, cut off, or an HTTP error such as 503
            return False
        return True

    def not_ready_because(self) -> str:
        """What /readyz says; "" when it is ready, or not there yet."""
        try:
            self.get("/readyz")
        except urllib.error.HTTPError as error:
            return error.read().decode()
        except OSError:
            return ""
        return ""

    def get(self, path: str) -> str:
        """Read a page of the operator's own HTTP server; raises OSError if that fails."""
        return read_page(self.url + path, timeout=5)

    def log_tail(self, lines: int = _TAIL_LINES) -> str:
        """The last lines of the log."""
        written = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(["the operator's log ends with:", *written[-lines:]])

    def wait_ready(self, seconds: float = 30.0) -> None:
        """Wait for the first full reconcile; raises OperatorError if it dies or takes longer."""
        deadline = time.monotonic() + seconds
        while not self.ready():
            self.check()
            if time.monotonic() > deadline:
                raise OperatorError(f"not ready after {seconds:g} s\n{self.log_tail()}")
            time.sleep(0.05)

    def check(self) -> None:
        """Raise OperatorError if the process has ended and neither `kill` nor `stop` did it."""
        if not self.running and not self._ended_as_asked:
            raise OperatorError(f"ended with status {self._process.returncode}\n{self.log_tail()}")

    def kill(self) -> None:
        """End it at once, as a crash would (SIGKILL); leaving the block is then no error."""
        self._ended_as_asked = True
        self._process.kill()
        self._process.wait()

    def stop(self, seconds: float = 15.0) -> None:
        """End it with SIGTERM; raises OperatorError if its status is not 0, or if it stays."""
        if self._ended_as_asked:
            return
        self.check()
        self._process.send_signal(signal.SIGTERM)
        try:
            status = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise OperatorError(
                f"still there {seconds:g} s after SIGTERM\n{self.log_tail()}"
            ) from None
        self._ended_as_asked = True
        if status != 0:
            raise OperatorError(f"status {status} after SIGTERM\n{self.log_tail()}")


@contextlib.contextmanager
def running_operator(
    kubeconfig: Path | str | None,
    settings: Mapping[str, Any] | None = None,
    *,
    context: str | None = None,
    ready_seconds: float | None = 30.0,
    environment: Mapping[str, str] | None = None,
    program: Sequence[str] = ("-m", "homelab_netpol"),
    within: Sequence[str] = (),
) -> Iterator[RunningOperator]:
    """Run the operator against a cluster for as long as the block lasts.

    Args:
        kubeconfig: the kubeconfig file; None: the operator finds the cluster as it does in a Pod.
        settings: what the settings file holds. Unless it says otherwise, `server` is set to
            loopback and a port that was free.
        context: a context of the kubeconfig; without it, the current one.
        ready_seconds: how long to wait for the first full reconcile; None: do not wait.
        environment: variables to set for the process, beside those of this one.
        program: what Python runs: the operator, or something that prepares its process first.
        within: a command that becomes the one that follows it, in surroundings of its own making.

    Yields:
        The running operator.

    Raises:
        OperatorError: it did not become ready, died, or did not stop properly.
    """
    given = dict(settings or {})
    server = {"address": "127.0.0.1", "port": free_port(), **given.pop("server", {})}
    with tempfile.TemporaryDirectory(prefix="homelab-netpol-operator-") as folder:
        config = Path(folder, "settings.yaml")
        config.write_text(yaml.safe_dump({"server": server, **given}), encoding="utf-8")
        log = Path(folder, "operator.log")
        arguments = ["--config", str(config)]
        arguments += ["--kubeconfig", str(kubeconfig)] if kubeconfig else []
        arguments += ["--context", context] if context else []
        command = [*within, sys.executable, *program, "run", *arguments]
        process = _start(command, log, environment or {})
        host = f"[{server['address']}]" if ":" in server["address"] else server["address"]
        operator = RunningOperator(process, log, f"http://{host}:{server['port']}")
        try:
            if ready_seconds is not None:
                operator.wait_ready(ready_seconds)
            yield operator
        except BaseException as error:
            # The test's own failure is what matters; the operator's end may explain it.
            if not isinstance(error, OperatorError):
                error.add_note(operator.log_tail())
            if operator.running:
                operator.kill()
            raise
        operator.stop()


def _start(
    command: Sequence[str], log: Path, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    path = os.pathsep.join(filter(None, [str(_SOURCE_ROOT), os.environ.get("PYTHONPATH")]))
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": path, **environment},
        )
