"""Keeps an operator running as a kubelet does: what ends is started again, what hangs is killed.

    with Kubelet(kubeconfig, settings, folder=folder, ...) as kubelet:
        kubelet.wait_ready()
        kubelet.kill()          # SIGKILL; a new one follows
    # it got SIGTERM

Its pauses are shorter than a kubelet's, as a test's time is shorter than a cluster's.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml

from lab.free_port import free_port
from lab.loopback import read_page
from tests.chaos.probe import LivenessProbe
from tests.cluster.kube import eventually

_ROOT = Path(__file__).resolve().parents[2]
_POLL_SECONDS = 0.02
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
# Who has lived so long begins again with the shortest pause.
_GROWN_UP_SECONDS = 5.0
_GRACE_SECONDS = 15.0
_TIMEOUT_SECONDS = 2.0
_TAIL_LINES = 40


@dataclass(frozen=True, slots=True)
class End:
    """The end of a process.

    Attributes:
        at: seconds since the epoch.
        why: `killed` by the test, `not alive` by the probe, or the status with which it ended.
    """

    at: float
    why: str


class Kubelet:
    """One Pod's container.

    Attributes:
        url: where the operator's own HTTP server answers.
        log: the file that holds what it wrote, unless that was sent elsewhere.
        ends: how its processes ended, up to now.
    """

    def __init__(
        self,
        kubeconfig: Path,
        settings: Mapping[str, Any],
        *,
        folder: Path,
        group: int,
        module: str,
        environment: Mapping[str, str],
        output: int | None = None,
    ) -> None:
        """Prepares it.

        Args:
            kubeconfig: as whom, and to which API server.
            settings: what the settings file holds, but for the server's address.
            folder: for its files; a fresh one.
            group: process group, which ends with the control plane.
            module: what to run.
            environment: more variables.
            output: a file descriptor that takes what it writes; None: a log file.
        """
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.log = folder / "operator.log"
        self.ends: list[End] = []
        config = folder / "settings.yaml"
        server = {"address": "127.0.0.1", "port": port}
        config.write_text(yaml.safe_dump({**settings, "server": server}), encoding="utf-8")
        arguments = ["run", "--config", str(config), "--kubeconfig", str(kubeconfig)]
        self._command = [sys.executable, "-m", module, *arguments]
        self._environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(_ROOT / "operator"), str(_ROOT)]),
            **environment,
        }
        self._group = group
        self._output = output
        self._process: subprocess.Popen[bytes] | None = None
        self._why = ""
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="kubelet", daemon=True)

    def __enter__(self) -> Self:
        self._start()
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Of the process that runs now, or ran last."""
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """Ends the process at once (SIGKILL); another follows."""
        with self._lock:
            self._end("killed", signal.SIGKILL)

    def sleep(self, seconds: float) -> None:
        """Stops the process in the middle of what it does (SIGSTOP), and lets it go on later."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def stop(self) -> float:
        """Ends it in good order (SIGTERM), for good; returns when it was asked to, by time()."""
        self._stop.set()
        self._thread.join()
        assert self._process is not None
        asked = time.time()
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill_for_good()
                raise AssertionError(
                    f"still there {_GRACE_SECONDS:g} s after SIGTERM\n{self.log_tail()}"
                ) from None
        return asked

    def kill_for_good(self) -> float:
        """Ends it at once, and no other follows; returns when, by time()."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        assert self._process is not None
        asked = time.time()
        self._process.kill()
        self._process.wait()
        return asked

    def get(self, path: str) -> str:
        """Reads a page of its HTTP server; raises OSError if that fails."""
        return read_page(self.url + path, timeout=_TIMEOUT_SECONDS)

    def ready(self) -> bool:
        """Whether /readyz says so."""
        try:
            self.get("/readyz")
        except OSError:  # refused, cut off, or an HTTP error such as 503
            return False
        return True

    def wait_ready(self) -> None:
        """Waits until it is ready, however often it has to be started for that."""
        try:
            eventually(self.ready, "the operator to be ready", seconds=60.0)
        except AssertionError as error:
            error.add_note(self.log_tail())
            raise

    @property
    def ended_by_itself(self) -> list[str]:
        """The statuses of processes that nobody had killed."""
        return [end.why for end in self.ends if end.why != "killed"]

    def log_tail(self, lines: int = _TAIL_LINES) -> str:
        """The last lines of the log."""
        if not self.log.exists():
            return "(its log went elsewhere)"
        written = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        ends = ", ".join(end.why for end in self.ends) or "none"
        return "\n".join([f"ends: {ends}; the operator's log ends with:", *written[-lines:]])

    def _start(self) -> None:
        output = self._output
        log = self.log.open("ab") if output is None else None
        try:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log or output,
                stderr=subprocess.STDOUT,
                env=self._environment,
                process_group=self._group,
            )
        finally:
            if log is not None:
                log.close()

    def _keep(self) -> None:
        pause, started = _FIRST_PAUSE, time.monotonic()
        probe = LivenessProbe(self.url)
        while not self._stop.wait(_POLL_SECONDS):
            assert self._process is not None
            status = self._process.poll()
            if status is None:
                if probe.has_failed():
                    with self._lock:
                        self._end("not alive", signal.SIGKILL)
                continue
            self.ends.append(End(time.time(), self._why or f"status {status}"))
            self._why = ""
            pause = _FIRST_PAUSE if time.monotonic() - started > _GROWN_UP_SECONDS else pause
            if self._stop.wait(pause):
                return
            pause = min(2 * pause, _LONGEST_PAUSE)
            with self._lock:
                self._start()
            started = time.monotonic()
            probe = LivenessProbe(self.url)

    def _end(self, why: str, number: signal.Signals) -> None:
        assert self._process is not None
        if self._process.poll() is None:
            self._why = self._why or why
            self._process.send_signal(number)
            self._process.wait()
