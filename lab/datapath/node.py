"""A node: namespaces of its own on this machine, in which programs can be run.

Nothing here knows of Cilium. What the node does to interfaces, routes, mounts, cgroups and settings
is done in its namespaces, and goes with its first process: see node_process.py.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from lab.control_plane.errors import LocalClusterError
from lab.control_plane.guardian import Guardian
from lab.datapath.cgroup import fresh_cgroup
from lab.datapath.network_namespace import NetworkNamespace

NAME = "node"
_SCRIPT = Path(__file__).with_name("node_process.py")
_NAMESPACES = ("net", "mount", "pid", "cgroup", "ipc", "uts")


class NodeError(LocalClusterError):
    """A program on the node failed, or the node is gone."""


class Node:
    """An isolated node; it lives as long as the `with` block, never longer than this process.

    Args:
        folder: For its files, which are seen from both sides; removed in the end.

    Attributes:
        folder: As given.
        cgroup: Its cgroup.
        pid: Its first process, as seen from here.
    """

    pid: int

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cgroup = fresh_cgroup()
        self._lock = threading.Lock()
        self._guardian: Guardian | None = None
        self._process: subprocess.Popen[str] | None = None
        self._namespaces: dict[str, NetworkNamespace] = {}

    def start(self) -> None:
        """Makes the namespaces and everything in them.

        Raises:
            LocalClusterError: It could not be made; nothing is left.
        """
        # Before they exist: there is no moment at which they could be left behind.
        self._guardian = Guardian(remove=[self.folder, self.cgroup])
        try:
            self.folder.mkdir(parents=True, mode=0o700)
            self.cgroup.mkdir()
            self._process = self._start_process(self._guardian.group)
            self._read_answer("the start of the node")
            self.pid = _child(self._process.pid)
        except (OSError, LocalClusterError) as error:
            said = self._said()
            self.stop()
            raise NodeError(f"the node does not start: {error}{said}") from error
        except BaseException:  # Ctrl-C: nobody else knows yet that there is something to stop
            self.stop()
            raise

    def stop(self) -> None:
        """Ends everything on it, and removes what it had."""
        for namespace in self._namespaces.values():
            namespace.close()
        self._namespaces.clear()
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None
        if self._guardian is not None:
            self._guardian.close()
            self._guardian = None

    @property
    def group(self) -> int:
        """The process group of what ends with the node, see `Guardian`."""
        if self._guardian is None:
            raise NodeError("the node has not been started: use it in a `with`")
        return self._guardian.group

    def run(
        self,
        *command: str,
        environment: Mapping[str, str] | None = None,
        stdin: str = "",
    ) -> str:
        """Runs a program on the node, and returns what it wrote.

        Raises:
            NodeError: It failed, with what it wrote.
        """
        request = {"run": command, "environment": environment or {}, "input": stdin}
        answer = self._ask(request)
        output: str = answer["output"]
        if answer["status"] != 0:
            raise NodeError(f"{' '.join(command)} failed on the node:\n{output}")
        return output

    def start_program(
        self, name: str, command: Sequence[str], log: Path, environment: Mapping[str, str]
    ) -> None:
        """Starts a program that stays, with a log file that is appended to."""
        self._ask(
            {"start": name, "command": command, "log": str(log), "environment": dict(environment)}
        )

    def kill_program(self, name: str) -> None:
        """Ends a program at once, and waits until it has ended."""
        self._ask({"kill": name})

    def path(self, path: str) -> Path:
        """A path on the node, as it is reached from here."""
        return Path(f"/proc/{self.pid}/root{path}")

    def network(self, name: str = "") -> NetworkNamespace:
        """The network namespace of the node, or of what `ip netns` has there by a name."""
        if name not in self._namespaces:
            path = self.path(f"/run/netns/{name}") if name else Path(f"/proc/{self.pid}/ns/net")
            self._namespaces[name] = NetworkNamespace(path)
        return self._namespaces[name]

    def _start_process(self, group: int) -> "subprocess.Popen[str]":
        unshare = ["unshare", *(f"--{name}" for name in _NAMESPACES), "--propagation", "private"]
        unshare += ["--fork", "--kill-child", "--mount-proc"]
        # In its cgroup before the cgroup namespace is made, whose root it then is.
        enter = 'echo $$ >"$0/cgroup.procs" && exec "$@"'
        python = [sys.executable, "-I", "-S", str(_SCRIPT), NAME]
        with self._log.open("wb") as log:
            return subprocess.Popen(
                ["/bin/sh", "-c", enter, str(self.cgroup), *unshare, *python],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                process_group=group,
            )

    @property
    def _log(self) -> Path:
        return self.folder / "node.log"

    def _said(self) -> str:
        return f"\n{self._log.read_text().strip()}" if self._log.exists() else ""

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        process = self._process
        if process is None or process.stdin is None:
            raise NodeError("the node has not been started: use it in a `with`")
        with self._lock:
            try:
                process.stdin.write(json.dumps(request) + "\n")
                process.stdin.flush()
            except OSError as error:
                raise NodeError(f"the node is gone: {error}{self._said()}") from error
            answer = self._read_answer(str(request))
        if "error" in answer:
            raise NodeError(f"{answer['error']}, asked for {request}")
        return answer

    def _read_answer(self, what: str) -> dict[str, Any]:
        line = self._process.stdout.readline() if self._process and self._process.stdout else ""
        if not line:
            raise NodeError(f"the node ended, asked for {what}{self._said()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()


def _child(parent: int) -> int:
    """The one child of a process: unshare waits for it, and knows it by this number."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent:
            return int(path.parent.name)
    raise NodeError("the node's first process ended as soon as it began")
