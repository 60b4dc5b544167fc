"""The first process of a node: it makes the surroundings, and then does what it is asked to.

Run as a script, with nothing but the standard library, by node.py, in new namespaces (network,
mounts, pids, cgroups, IPC, host name). Everything that it mounts, configures and starts is seen in
these alone, and is gone when it ends: the kernel takes down a pid namespace with its first process.

It reads one JSON request a line on standard input and answers each with one line:

    {"run": ["ip", "link"], "environment": {}, "input": ""}  -> {"status": 0, "output": "..."}
    {"start": "agent", "command": [...], "environment": {}, "log": "/path"}  -> {"pid": 7}
    {"kill": "agent"}                                                        -> {"status": -9}

It ends when its input does.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

# /run: programs of the machine keep sockets and locks there, and the agent its state.
# /sys: the network interfaces of this namespace.
# /proc/sys/kernel: some settings there are the machine's, whatever the namespace; the agent would
# change two of them.
_SURROUNDINGS = """
mount -t tmpfs -o mode=755 tmpfs /run
mount -t sysfs sysfs /sys
mount -t bpf bpf /sys/fs/bpf
mkdir -p /run/cilium/cgroupv2
mount -t cgroup2 cgroup2 /run/cilium/cgroupv2
mount --bind /proc/sys/kernel /proc/sys/kernel
mount -o remount,bind,ro /proc/sys/kernel
ip link set lo up
"""


class _Node:
    def __init__(self) -> None:
        self._started: dict[str, subprocess.Popen[bytes]] = {}

    def answer(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        if "run" in request:
            return self._run(request)
        if "start" in request:
            return self._start(request)
        return self._kill(request)

    def _run(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        done = subprocess.run(
            request["run"],
            env={**os.environ, **request["environment"]},
            input=request["input"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        return {"status": done.returncode, "output": done.stdout}

    def _start(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        with open(request["log"], "ab") as output:
            process = subprocess.Popen(
                request["command"],
                env={**os.environ, **request["environment"]},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._started[request["start"]] = process
        return {"pid": process.pid}

    def _kill(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        process = self._started.pop(request["kill"])
        process.kill()
        return {"status": process.wait()}


def main(name: str) -> None:
    """Makes the surroundings, says so with an empty answer, and serves requests."""
    socket.sethostname(name)
    subprocess.run(["/bin/sh", "-ec", _SURROUNDINGS], check=True)
    print("{}", flush=True)
    node = _Node()
    for line in sys.stdin:
        try:
            answer = node.answer(json.loads(line))
        except (OSError, LookupError) as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
