"""The operators that are measured, each as a process of its own.

To measure another one beside ours, describe how it is started with a `Subject`: what turns the
same labels into policies with the same managed-by label can be compared.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from bench.peers.binary import go_peer
from bench.peers.settings import PeerSettings
from lab.free_port import free_port
from lab.loopback import read_page

OURS = "homelab-netpol"
OUR_SOURCES = Path(__file__).resolve().parent.parent / "operator"
_REPOSITORY = OUR_SOURCES.parent
_READY_SECONDS = 180.0  # plain Kopf annotates 5,000 Namespaces that it has never seen
_STOP_SECONDS = 15.0
_POLL_SECONDS = 0.005


class SubjectError(Exception):
    """An operator did not start, or did not end as it should; shows the end of its log."""


@dataclass(frozen=True, slots=True)
class Start:
    """What an operator is started with.

    Attributes:
        port: where /readyz is to answer, on 127.0.0.1.
        folder: for files that it needs.
        settings: what differs from the defaults, in the words of our settings file.
    """

    port: int
    folder: Path
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Subject:
    """One operator to measure.

    Attributes:
        name: as the tables show it.
        command: program and arguments. It may take a while, and raise, as the program may have to
            be built first.
        environment: what the process finds in the environment beside the usual, KUBECONFIG too.
    """

    name: str
    command: Callable[[Start], list[str]]
    environment: Mapping[str, str] = field(default_factory=dict)


def _without_grace(sources: Path) -> Mapping[str, Any]:
    """What is lost is lost at once: the peers do so, and so did the operator before it had this."""
    has_it = (sources / "homelab_netpol" / "cache" / "label_grace.py").exists()
    return {"labelGraceSeconds": 0} if has_it else {}


def own(name: str = OURS, sources: Path = OUR_SOURCES) -> Subject:
    """Our operator.

    Args:
        name: as the tables show it.
        sources: the folder that its package is imported from.
    """

    def command(start: Start) -> list[str]:
        config = start.folder / "settings.yaml"
        server = {"address": "127.0.0.1", "port": start.port}
        # As the peers: from the start, whoever has pods and no profile.
        fixed = {"server": server, "defaultDeny": "workload"}
        given = {**fixed, **_without_grace(sources), **start.settings}
        config.write_text(yaml.safe_dump(given), encoding="utf-8")
        return [sys.executable, "-m", "homelab_netpol", "run", "--config", str(config)]

    return Subject(name, command, {"PYTHONPATH": str(sources)})


def plain_kopf(name: str) -> Subject:
    """The operator that a competent person would write with plain Kopf."""

    def command(start: Start) -> list[str]:
        settings = PeerSettings.read(start.settings)
        arguments = ["--port", str(start.port), "--prometheus-ports", settings.ports_text]
        if settings.resync_seconds is not None:
            arguments += ["--resync-seconds", str(settings.resync_seconds)]
        return [sys.executable, "-m", "bench.peers.plain_kopf", *arguments]

    return Subject(name, command, {"PYTHONPATH": str(_REPOSITORY)})


def controller_runtime(name: str, *flags: str) -> Subject:
    """The operator on controller-runtime, in Go; without flags as the framework comes."""

    def command(start: Start) -> list[str]:
        settings = PeerSettings.read(start.settings)
        arguments = ["--bind", f"127.0.0.1:{start.port}", *flags]
        arguments += ["--prometheus-ports", settings.ports_text]
        if settings.resync_seconds is not None:
            arguments += ["--sync-period", f"{settings.resync_seconds}s"]
        return [str(go_peer()), *arguments]

    return Subject(name, command)


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
        """The process id, to measure it by."""
        return self.process.pid

    def ready(self) -> bool:
        """Whether it says that its first full pass is done."""
        try:
            read_page(f"{self.url}/readyz", timeout=5)
        except OSError:  # it does not listen yet, or 503
            return False
        return True

    def failure(self, what: str) -> SubjectError:
        """An error that shows the end of the log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:]
        return SubjectError("\n".join([f"the operator {what}; its log ends with:", *lines]))


@contextmanager
def running(
    subject: Subject,
    kubeconfig: Path,
    folder: Path,
    group: int,
    settings: Mapping[str, Any] | None = None,
) -> Iterator[Running]:
    """Runs a subject until the block ends; it is ready when the block begins.

    Args:
        subject: which.
        kubeconfig: of the control plane.
        folder: for its settings and its log.
        group: the process group to start it in, which ends it should this process be killed.
        settings: what differs from the defaults, in the words of our settings file; the peers know
            some of them, see `PeerSettings`.

    Raises:
        SubjectError: it did not become ready, or did not stop properly.
        BuildError: it had to be built, and could not be.
    """
    port = free_port()
    log = folder / "operator.log"
    command = subject.command(Start(port, folder, settings or {}))
    environment = {**os.environ, **subject.environment, "KUBECONFIG": str(kubeconfig)}
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
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
