"""The operators that are measured, each as a process of its own.

To measure another one beside ours, add a `Subject`: whatever turns the same labels into policies
with the same managed-by label can be compared.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import yaml

OUR_SOURCES = Path(__file__).resolve().parent.parent / "operator"
_READY_SECONDS = 60.0
_STOP_SECONDS = 15.0
_POLL_SECONDS = 0.005


class SubjectError(Exception):
    """An operator did not start, or did not end as it should; shows the end of its log."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One operator to measure.

    Attributes:
        name: as the tables show it.
        sources: the folder that its package is imported from.
    """

    name: str
    sources: Path

    def command(self, config: Path) -> list[str]:
        """Program and arguments."""
        return [sys.executable, "-m", "homelab_netpol", "run", "--config", str(config)]

    def environment(self) -> Mapping[str, str]:
        """What its process finds in the environment beside the usual."""
        return {"PYTHONPATH": str(self.sources)}


@dataclass(slots=True)
class Running:
    """A subject at work.

    Attributes:
        process: the process.
        url: of its own HTTP server.
        log: the file that it writes its log to.
        seconds_to_ready: from the start of the process to a good answer of /readyz.
    """

    process: subprocess.Popen[bytes]
    url: str
    log: Path
    seconds_to_ready: float = 0.0

    @property
    def pid(self) -> int:
        """The process's id."""
        return self.process.pid

    def ready(self) -> bool:
        """Whether it says that its first full pass is done."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:  # noqa: S310 - http on loopback, see `url`
                return bool(answer.status == 200)
        except OSError:  # nobody listens yet, or 503
            return False

    def failure(self, what: str) -> SubjectError:
        """An error that shows the end of the log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:]
        return SubjectError("\n".join([f"the operator {what}; its log ends with:", *lines]))


@contextmanager
def running(subject: Subject, kubeconfig: Path, folder: Path, group: int) -> Iterator[Running]:
    """Runs a subject until the block ends; it is ready when the block begins.

    Args:
        subject: which.
        kubeconfig: of the control plane.
        folder: for its settings and its log.
        group: the process group to start it in, which ends it should this process be killed.

    Raises:
        SubjectError: it did not become ready, or did not stop properly.
    """
    port = _free_port()
    config, log = folder / "settings.yaml", folder / "operator.log"
    server = {"address": "127.0.0.1", "port": port}
    config.write_text(yaml.safe_dump({"server": server}), encoding="utf-8")
    environment = {**os.environ, **subject.environment(), "KUBECONFIG": str(kubeconfig)}
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            subject.command(config),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            process_group=group,
        )
    found = Running(process, f"http://127.0.0.1:{port}", log)
    try:
        while not found.ready():
            if process.poll() is not None:
                raise found.failure(f"ended with status {process.returncode}")
            if time.monotonic() - started > _READY_SECONDS:
                raise found.failure(f"was not ready after {_READY_SECONDS:g} s")
            time.sleep(_POLL_SECONDS)
        found.seconds_to_ready = time.monotonic() - started
        yield found
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)
        if process.poll() != 0:
            raise found.failure(f"had status {process.poll()} after SIGTERM")
    finally:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
