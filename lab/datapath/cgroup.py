"""A cgroup of its own for a node, below that of this process."""

import secrets
from pathlib import Path

from lab.control_plane.errors import LocalClusterError


def cgroup2_mount() -> Path | None:
    """Where the machine has cgroup v2; None if nowhere."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        if after.split()[0] == "cgroup2":
            return Path(before.split()[4])
    return None


def fresh_cgroup() -> Path:
    """A path for a new cgroup, which is not made yet: whoever removes it should know it first.

    Raises:
        LocalClusterError: The machine has no cgroup v2.
    """
    mount = cgroup2_mount()
    if mount is None:
        raise LocalClusterError("cgroup v2 is not mounted on this machine")
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    own = next(line.removeprefix("0::") for line in lines if line.startswith("0::"))
    return mount / own.lstrip("/") / f"homelab-netpol-{secrets.token_hex(6)}"
