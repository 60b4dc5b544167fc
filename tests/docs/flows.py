"""Recorded flows, which Cilium's own `hubble` shows in the place of a cluster's.

With `--input-file` it filters and prints the flows of a file as it does those of a cluster: the
commands of the documentation are understood by the real thing.
"""

from __future__ import annotations

import copy
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

_FLOWS = Path(__file__).with_name("flows.yaml")


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


if __name__ == "__main__":
    write_flows(Path(sys.argv[1]))
