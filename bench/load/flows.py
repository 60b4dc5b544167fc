"""Dropped flows on disk, as Hubble exports them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench.load.trees import name_of

# Namespace and port: those of the shared resources, and another app.
_TARGETS = (("database", 5432), ("cache", 6379), ("garage", 3900), ("app-0001", 8080))
_APPS = 5


def write_flows(path: Path, count: int, namespaces: int) -> Path:
    """Writes so many drops, of some of so many Namespaces and of thousands of their pods."""
    apps = [name_of(number * namespaces // _APPS) for number in range(_APPS)]
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            target, port = _TARGETS[number // _APPS % len(_TARGETS)]
            flow = _flow(apps[number % _APPS], number, target, port)
            file.write(json.dumps({"flow": flow, "node_name": "n"}, separators=(",", ":")) + "\n")
    return path


def _flow(namespace: str, number: int, target: str, port: int) -> dict[str, Any]:
    seconds = f"{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}"
    return {
        "time": f"2026-03-01T{seconds}.512345678Z",
        "verdict": "DROPPED",
        "drop_reason_desc": "POLICY_DENIED",
        "IP": {"source": "10.244.0.7", "destination": "10.244.1.9", "ipVersion": "IPv4"},
        "l4": {"TCP": {"source_port": 1 + number % 60_000, "destination_port": port}},
        "source": _end(namespace, f"web-{number}", "web"),
        "destination": _end(target, f"{target}-0", target),
        "Type": "L3_L4",
        "event_type": {"type": 1, "sub_type": 133},
        "traffic_direction": "EGRESS",
    }


def _end(namespace: str, pod: str, app: str) -> dict[str, Any]:
    labels = [f"k8s:app={app}", f"k8s:io.kubernetes.pod.namespace={namespace}"]
    return {"identity": 20_000, "namespace": namespace, "labels": labels, "pod_name": pod}
