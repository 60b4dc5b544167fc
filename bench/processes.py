"""What the kernel says about processes and the machine; Linux only.

The CPU time of all other programs is measured too: a round in which one of them took half a core
says little, and the tables show it.
"""

from __future__ import annotations

import os
import platform
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PACKAGES = {"Kopf": "kopf", "Kubernetes client": "kubernetes", "aiohttp": "aiohttp"}


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory of one process, in MB of 10^6 bytes.

    Attributes:
        resident: now (VmRSS).
        peak: the most there ever was (VmHWM).
    """

    resident: float
    peak: float


def memory(pid: int) -> Memory:
    """Reads the memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    sizes = dict(re.findall(r"^(VmRSS|VmHWM):\s+(\d+) kB$", status, re.MULTILINE))
    return Memory(int(sizes["VmRSS"]) * 1024 / 1e6, int(sizes["VmHWM"]) * 1024 / 1e6)


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used so far, in user and in kernel mode."""
    # Its clock counts nanoseconds, while /proc/PID/stat counts hundredths of a second, which is as
    # much as an idle operator uses in several. The clock's number is made as
    # clock_getcpuclockid(3) makes it: all threads of the process, by the scheduler's count.
    return time.clock_gettime((~pid << 3) | 2)


def busy_seconds() -> float:
    """CPU time that the whole machine has used so far."""
    with Path("/proc/stat").open(encoding="utf-8") as file:
        user, nice, system, _idle, _iowait, irq, softirq, *_ = map(int, file.readline().split()[1:])
    return (user + nice + system + irq + softirq) / _TICKS


class CpuMeter:
    """Measures who used the CPU between its making and `read`.

    Args:
        pids: the processes to measure, by name.
    """

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = dict(pids)
        self._since = time.monotonic()
        self._busy = busy_seconds()
        self._used = {name: cpu_seconds(pid) for name, pid in pids.items()}

    def read(self, **further: float) -> dict[str, float]:
        """CPU seconds by process.

        Args:
            further: CPU seconds of processes that measured themselves; they have entries too.

        Returns:
            One entry a process, `others` for all that is not of this benchmark, and `machine` for
            what the machine's cores had to give in that time.
        """
        elapsed = time.monotonic() - self._since
        used = {name: cpu_seconds(pid) - self._used[name] for name, pid in self._pids.items()}
        used |= further
        others = busy_seconds() - self._busy - sum(used.values())
        return used | {"others": max(0.0, others), "machine": elapsed * cores()}


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


def describe_machine(servers: Mapping[str, str]) -> dict[str, str]:
    """What the figures depend on, without saying whose machine it is.

    Args:
        servers: versions of what the operator talks to, by name, such as kubernetes.
    """
    cpu = _first(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo"), "unknown")
    total = int(_first(r"^MemTotal:\s+(\d+) kB$", Path("/proc/meminfo"), "0"))
    kernel = re.match(r"[\d.]+", platform.release())
    return {
        "cores": str(cores()),
        "CPU": cpu.strip(),
        "memory": f"{total * 1024 / 1e9:.0f} GB",
        "Linux": kernel[0].rstrip(".") if kernel else "unknown",
        "Python": platform.python_version(),
        **{name: version(package) for name, package in _PACKAGES.items()},
        **{name.capitalize(): number for name, number in servers.items()},
    }


def settle(pids: Iterable[int], *, quiet: float = 0.5, timeout: float = 180.0) -> None:
    """Waits until these processes have used next to no CPU for a while, or the time is up.

    The time is what an operator may need that first makes a note on each of 5,000 Namespaces.
    """
    pids = tuple(pids)
    deadline = time.monotonic() + timeout
    used = sum(map(cpu_seconds, pids))
    while time.monotonic() < deadline:
        time.sleep(quiet)
        now = sum(map(cpu_seconds, pids))
        if now - used < 0.1 * quiet:
            return
        used = now


def _first(pattern: str, file: Path, otherwise: str) -> str:
    match = re.search(pattern, file.read_text(encoding="utf-8"), re.MULTILINE)
    return match[1] if match else otherwise
