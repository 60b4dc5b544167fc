"""Nothing happens: what an operator costs by being there."""

from __future__ import annotations

import time
from dataclasses import dataclass

from bench.processes import Memory, memory, settle
from bench.scenarios.bench_plane import Extent, bench_plane, changed
from bench.subjects import Subject


@dataclass(frozen=True, slots=True)
class SteadyResult:
    """One round.

    Attributes:
        seconds: how long nothing happened.
        cpu: CPU seconds by process in that time.
        written: policies that were written; must be none.
        requests: requests to write anything else, by verb and resource; must be none either.
        memory: the operator's memory afterwards, and its peak since its start.
    """

    seconds: float
    cpu: dict[str, float]
    written: int
    requests: dict[str, int]
    memory: Memory


def measure_steady(subject: Subject, extent: Extent) -> SteadyResult:
    """Starts the operator among so many Namespaces, and watches it with its default settings."""
    with bench_plane(audited=True) as bench:
        bench.populate(extent.namespaces, extent.written)
        with bench.running(subject) as operator:
            settle([operator.pid])
            bench.settle()
            before = bench.versions()
            bench.settle()
            since = bench.audit.end()
            meter = bench.meter(operator=operator.pid)
            time.sleep(extent.seconds)
            cpu = meter.read()
            requests = bench.audit.writes(since)
            used = memory(operator.pid)
            written = len(changed(before, bench.versions()))
    return SteadyResult(extent.seconds, cpu, written, dict(requests), used)
