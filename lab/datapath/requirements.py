"""What a node needs of the machine, in the words of somebody who lacks it."""

import os
import shutil
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
        yield "namespaces and eBPF need root, and this user is not"
    if find_clang() is None:
        yield "clang is not installed: apt-get install clang-19"
    for program, package in _PROGRAMS.items():
        if shutil.which(program, path=_BIN) is None:
            yield f"{program} is not installed: apt-get install {package}"
    if cgroup2_mount() is None:
        yield "cgroup v2 is not mounted"
    known = Path("/proc/filesystems").read_text().split()
    if "bpf" not in known:
        yield "the kernel has no bpf file system (CONFIG_BPF_SYSCALL)"
