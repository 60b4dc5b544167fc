"""A baseline changes: by hand, which is put back, and by another setting at a restart."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from bench.load.baselines import CHANGED, PutBack, await_change, baseline_version, edit_by_hand
from bench.processes import Memory, memory, settle
from bench.scenarios.bench_plane import bench_plane, changed
from bench.scenarios.extent import Extent
from bench.subjects import Subject

# From one list of ports to another: to list any at all changes the mesh's baseline as well.
_BEFORE, _AFTER = 8080, 9090


@dataclass(frozen=True, slots=True)
class BaselineResult:
    """One round.

    Attributes:
        edits: how long each edit by hand stood.
        cpu: CPU seconds by process, while they were made.
        seconds: from the start of the process, with another setting, until the baseline said so.
        others: policies written then beside that one baseline. Must be 0.
        memory: the operator's memory after that start, once it was quiet.
    """

    edits: list[PutBack]
    cpu: dict[str, float]
    seconds: float
    others: int
    memory: Memory


def measure_baseline(subject: Subject, extent: Extent) -> BaselineResult:
    """Edits a baseline by hand so often, and then starts the operator with another setting."""
    with bench_plane() as bench:
        bench.populate(extent.namespaces, extent.written)
        with bench.running(subject, _ports(_BEFORE)) as operator:
            settle([operator.pid])
            bench.settle()
            meter = bench.meter(operator=operator.pid)
            edits = bench.load(edit_by_hand, extent.samples)
            cpu = meter.read()
            settle([operator.pid])
        bench.settle()
        before = bench.versions()
        awaited = bench.start(await_change, bench.load(baseline_version), f'"port":"{_AFTER}"')
        with bench.running(subject, _ports(_AFTER)) as operator:
            began = time.monotonic() - operator.seconds_to_ready
            seconds = awaited.result() - began
            settle([operator.pid])
            used = memory(operator.pid)
        others = changed(before, bench.versions()) - {f"/{CHANGED}"}
    return BaselineResult(edits, cpu, seconds, len(others), used)


def _ports(port: int) -> dict[str, Any]:
    return {"prometheus": {"ports": [port]}}
