"""The operator as its users run it: a process of its own, with a settings file."""

from __future__ import annotations

import contextlib
import http.client
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import yaml

import homelab_netpol
from lab.control_plane import Cluster
from lab.control_plane.guardian import Guardian
from lab.demo.errors import DemoError
from lab.free_port import free_port

_LOOPBACK = "127.0.0.1"
_READY_SECONDS = 30.0
_STOP_SECONDS = 5.0
_REQUEST_SECONDS = 5.0
_LOG_TAIL_LINES = 15


class OperatorProcess:
    """A context manager around `homelab-netpol run`; inside it the operator is ready.

    Args:
        kubeconfig: which cluster.
        context: the kubeconfig's context.
        settings: the content of the settings file; the address of /metrics is added.
        folder: where to put the settings file.
        log: the file for its log.
        group: the process group to start it in, so that it ends whenever the demo does.
    """

    def __init__(
        self,
        *,
        kubeconfig: Path,
        context: str,
        settings: Mapping[str, Any],
        folder: Path,
        log: Path,
        group: int,
    ) -> None:
        self._arguments = ["--kubeconfig", str(kubeconfig), "--context", context]
        self._settings = settings
        self._folder = folder
        self._log = log
        self._group = group
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    def __enter__(self) -> Self:
        self._port = free_port()
        config = self._folder / "settings.yaml"
        self._arguments += ["--config", str(config)]
        server = {"address": _LOOPBACK, "port": self._port}
        config.write_text(yaml.safe_dump({**self._settings, "server": server}), encoding="utf-8")
        try:
            output = self._log.open("wb")
        except OSError as error:
            raise DemoError(f"cannot write the operator's log {self._log}: {error}") from error
        with output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "homelab_netpol", "run", *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=package_environment(),
                process_group=self._group,
            )
        try:
            self._wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends the process, and waits until it is gone."""
        if self._process is None:
            return
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_STOP_SECONDS)
        self._process.kill()
        self._process.wait()

    def check(self) -> None:
        """Raises DemoError when the process has ended by itself."""
        status = None if self._process is None else self._process.poll()
        if status is not None:
            raise DemoError(f"the operator ended with status {status}. {self.log_tail()}")

    def metrics(self) -> str:
        """What /metrics shows now.

        Raises:
            DemoError: it does not answer.
        """
        try:
            status, text = self._get("/metrics")
        except OSError as error:
            self.check()
            raise DemoError(f"the operator's /metrics does not answer: {error}") from error
        if status != 200:
            raise DemoError(f"the operator's /metrics answers with HTTP {status}: {text}")
        return text

    def log_tail(self) -> str:
        """The end of the log, for an error message."""
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(["The end of its log:", *(f"  {x}" for x in lines[-_LOG_TAIL_LINES:])])

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        reason = "it does not answer"
        while True:
            self.check()
            with contextlib.suppress(OSError):
                status, reason = self._get("/readyz")
                if status == 200:
                    return
            if time.monotonic() > deadline:
                raise DemoError(
                    f"the operator is not ready after {_READY_SECONDS:.0f} s:"
                    f" {reason.strip().rstrip('.')}."
                    f" {self.log_tail()}"
                )
            time.sleep(0.05)

    def _get(self, path: str) -> tuple[int, str]:
        # Directly, whatever proxy the environment names.
        connection = http.client.HTTPConnection(_LOOPBACK, self._port, timeout=_REQUEST_SECONDS)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()


@contextlib.contextmanager
def operator_on(
    cluster: Cluster, settings: Mapping[str, Any], log: Path | None
) -> Iterator[OperatorProcess]:
    """Runs the operator on a cluster, with a folder of its own that goes with it.

    Args:
        cluster: it runs there.
        settings: see `OperatorProcess`.
        log: the file for its log; in its folder when not given.
    """
    folder = Path(tempfile.gettempdir(), f"homelab-netpol-demo-{secrets.token_hex(6)}")
    # It removes the folder, and ends the operator even if this process is killed. It is there
    # before the folder: there is no moment at which that could be left behind.
    with Guardian(remove=[folder]) as guardian:
        group = guardian.group
        folder.mkdir(mode=0o700)
        with OperatorProcess(
            kubeconfig=cluster.kubeconfig,
            context=cluster.context,
            settings=settings,
            folder=folder,
            log=log or folder / "operator.log",
            group=group,
        ) as operator:
            yield operator


def package_environment() -> dict[str, str]:
    """The environment of a process that is to import the package that this one has imported."""
    # The package may be importable only because of this process's sys.path.
    root = str(Path(homelab_netpol.__file__).parents[1])
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    # A proxy that the environment names for everything cannot reach this machine's loopback.
    configured = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    direct = ",".join(filter(None, (configured, _LOOPBACK)))
    return {**os.environ, "PYTHONPATH": path, "no_proxy": direct, "NO_PROXY": direct}
