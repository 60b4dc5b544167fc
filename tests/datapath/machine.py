"""What a node must leave alone: the machine's own interfaces, routes, mounts, cgroups, settings."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from lab.datapath.cgroup import cgroup2_mount

_COMMANDS = {
    "interfaces": ["ip", "-details", "link"],
    "addresses": ["ip", "addr"],
    "routes": ["ip", "route", "show", "table", "all"],
    "rules": ["ip", "rule"],
    "filter rules": ["iptables-save"],
    "named network namespaces": ["ip", "netns"],
}
_PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"
# They count what all the machine does.
_COUNTERS = re.compile(
    r"/(random/|fs/(dentry|inode|file-nr|inode-nr|dentry-state|aio-nr|quota)|kernel/(ns_last_pid|pty/nr)"
    r"|net/netfilter/nf_conntrack_count|kernel/(perf_event_max_sample_rate|sched_)|vm/stat)"
)
# Counters of rules and the seconds that an address has yet to live.
_VOLATILE = re.compile(r"\[\d+:\d+\]|(?:valid|preferred)_lft \w+|^#.*$", re.MULTILINE)

State = Mapping[str, str]


def state() -> State:
    """All of it, in words that can be compared."""
    found = {name: _said(command) for name, command in _COMMANDS.items()}
    found["mounts"] = Path("/proc/self/mounts").read_text()
    found["host name"] = os.uname().nodename
    found["pinned maps and programs"] = _listed(Path("/sys/fs/bpf"))
    found["cgroups"] = _cgroups()
    for path in Path("/proc/sys").rglob("*"):
        if not _COUNTERS.search(str(path)) and path.is_file():
            found[str(path)] = _value(path)
    return found


def differences(before: State, after: State) -> list[str]:
    """What is not the same."""
    names = sorted(before.keys() | after.keys())
    return [
        f"{name}: {before.get(name)!r} -> {after.get(name)!r}"
        for name in names
        if before.get(name) != after.get(name)
    ]


def namespace(pid: int, kind: str) -> str:
    """Which namespace a process is in: the kernel's own name for it."""
    return os.readlink(f"/proc/{pid}/ns/{kind}")


def processes_in(kind: str, name: str) -> list[int]:
    """The processes in a namespace."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if namespace(int(path.name), kind) == name:
                found.append(int(path.name))
        except OSError:  # it has ended meanwhile
            continue
    return found


def _said(command: list[str]) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, "PATH": _PATH}
    )
    return _VOLATILE.sub("", done.stdout)


def _listed(folder: Path) -> str:
    return " ".join(sorted(str(path) for path in folder.rglob("*")))


def _cgroups() -> str:
    """The cgroups at the top but for those of nodes, which are below that of their process."""
    mount = cgroup2_mount()
    assert mount is not None
    names = [path.name for path in mount.iterdir() if path.is_dir()]
    return " ".join(sorted(name for name in names if not name.startswith("homelab-netpol-")))


def _value(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError as error:
        return str(error.errno)
