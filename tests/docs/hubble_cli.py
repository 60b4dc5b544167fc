"""Cilium's own `hubble`, and recorded flows for it to show in the place of a cluster's.

It is built once from the Go module that the verdict engine comes from as well. With `--input-file`
it filters and prints the flows of a file as it does those of a cluster: the commands of the
documentation are understood by the real thing.
"""

from __future__ import annotations

import copy
import fcntl
import functools
import hashlib
import json
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from homelab_netpol.localcluster.guardian import Guardian
from homelab_netpol.localcluster.paths import cache_directory
from tests.tools.go_command import go_command, toolchain

_MODULE = Path(__file__).with_name("hubble")
_FLOWS = Path(__file__).with_name("flows.yaml")


@functools.cache
def hubble() -> Path:
    """The program, from the cache or built now, which takes a minute or two the first time.

    Raises:
        BuildError: with what Go said.
    """
    content = b"".join((_MODULE / name).read_bytes() for name in ("go.mod", "go.sum"))
    home = cache_directory() / "hubble"
    program = home / hashlib.sha256(content).hexdigest()[:16] / "hubble"
    home.mkdir(parents=True, exist_ok=True)
    with (home / "build.lock").open("a") as lock:
        # The kernel releases it when its holder ends, in whatever way.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.is_file():
            _build(program)
    return program


def write_flows(path: Path) -> None:
    """Writes the recorded flows, as if they had happened a moment ago, one JSON object a line."""
    recorded: list[dict[str, Any]] = yaml.safe_load(_FLOWS.read_text(encoding="utf-8"))
    now = datetime.now(UTC)
    lines = []
    for number, each in enumerate(reversed(recorded)):
        time = (now - timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        flow = {**copy.deepcopy(each), "time": time}
        lines.append(json.dumps({"flow": flow, "node_name": "node-1", "time": time}))
    path.write_text("\n".join(reversed(lines)) + "\n", encoding="utf-8")


def _build(program: Path) -> None:
    work = Path(tempfile.mkdtemp(prefix=".building-", dir=program.parent.parent))
    with Guardian(remove=[work]) as guardian:
        arguments = ["build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w"]
        arguments += ["-o", f"{work}/", "tool"]
        go_command(toolchain(_MODULE), arguments, _MODULE, group=guardian.group)
        program.parent.mkdir(exist_ok=True)
        (work / program.name).replace(program)
