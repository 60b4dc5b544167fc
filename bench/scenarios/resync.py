"""A resync with everything right: the CPU time of comparing all of it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from bench.processes import Memory, cpu_seconds, memory, settle
from bench.scenarios.bench_plane import Extent, bench_plane, changed
from bench.subjects import Subject

# Long enough for an operator to be quiet in between, so that one resync is over before the next.
_PERIODS = ((1_000, 10.0), (100_000, 20.0))
_RESYNCS = 2
_STEP_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class ResyncResult:
    """One round.

    Attributes:
        cpu: CPU seconds of the operator for one resync: what it used in two periods, halved, with
            all else that it did in that time.
        written: policies that were written; must be none.
        memory: the operator's memory afterwards, and its peak.
    """

    cpu: float
    written: int
    memory: Memory


def measure_resync(subject: Subject, extent: Extent) -> ResyncResult:
    """Measures the operator for two resyncs among so many Namespaces."""
    period = next(seconds for most, seconds in _PERIODS if extent.namespaces <= most)
    # Looking at the targets of grants is no part of it, and has a period of its own.
    settings = {"resyncSeconds": period, "inspectionSeconds": 3600.0}
    with bench_plane() as bench:
        bench.populate(extent.namespaces, extent.written)
        with bench.running(subject, settings) as operator:
            settle([operator.pid])
            bench.settle()
            before = bench.versions()
            # From the middle between two resyncs on, so that two periods hold two whole ones.
            middle = _busiest(operator.pid, period) + period / 2
            time.sleep((middle - time.monotonic()) % period)
            begun = cpu_seconds(operator.pid)
            time.sleep(_RESYNCS * period)
            cpu = (cpu_seconds(operator.pid) - begun) / _RESYNCS
            used = memory(operator.pid)
            written = len(changed(before, bench.versions()))
    return ResyncResult(cpu, written, used)


def _busiest(pid: int, seconds: float) -> float:
    """Watches a process for so long; the moment at which it used the most CPU."""
    end = time.monotonic() + seconds
    most, moment, last = -1.0, end, cpu_seconds(pid)
    while (now := time.monotonic()) < end:
        time.sleep(_STEP_SECONDS)
        used = cpu_seconds(pid)
        if used - last > most:
            most, moment = used - last, now
        last = used
    return moment
