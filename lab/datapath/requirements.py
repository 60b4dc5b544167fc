"""What a node needs of the machine, in the words of somebody who lacks it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from lab.datapath.cgroup import cgroup2_mount

_PROGRAMS = {
    "iptables": "iptables",
    "ipset": "ipset",
    "ip": "iproute2",
    "unshare": "util-linux",
    "sysctl": "procps",
}
# The versioned name is Debian's; the agent is built with, and tested by its makers on, this one.
_CLANGS = ("clang-19", "clang")
_BIN = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def find_clang() -> Path | None:
    """The compiler of the eBPF programs; None if there is none."""
    for name in _CLANGS:
        if found := shutil.which(name):
            return Path(found).resolve()
    return None


def missing() -> str:
    """What keeps a node from running here, in one line; "" if nothing does."""
    return "; ".join(_missing())


def _missing() -> Iterator[str]:
    if sys.platform != "linux":
        yield f"eBPF needs Linux, and this is {sys.platform}"
        return
    if os.geteuid() != 0:
        yield "namespaces and eBPF need root, and this user is not: run it as root"
    if find_clang() is None:
        yield "clang is not installed: apt-get install clang-19"
    for program, package in _PROGRAMS.items():
        if shutil.which(program, path=_BIN) is None:
            yield f"{program} is not installed: apt-get install {package}"
    if cgroup2_mount() is None:
        yield "cgroup v2 is not mounted: mount -t cgroup2 cgroup2 /sys/fs/cgroup"
    if os.geteuid() == 0 and shutil.which("unshare", path=_BIN) and not _may_make_namespaces():
        yield (
            "this root may not make namespaces, mount bpf or add a veth pair, as in a container:"
            " run it on the machine itself, or in a privileged container"
        )


def _may_make_namespaces() -> bool:
    # In namespaces of their own, with which they go.
    steps = "mount -t bpf bpf /tmp && ip link add first type veth peer name second"
    command = ["unshare", "--net", "--mount", "--pid", "--cgroup", "--ipc", "--uts", "--fork"]
    done = subprocess.run(
        [*command, "--propagation", "private", "/bin/sh", "-c", steps],
        env={**os.environ, "PATH": _BIN},
        capture_output=True,
        check=False,
    )
    return done.returncode == 0
