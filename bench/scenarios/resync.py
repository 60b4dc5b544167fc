"""A resync with everything right: what it costs to look through all of it for nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass

from bench.processes import Memory, cpu_seconds, memory, settle
from bench.scenarios.bench_plane import bench_plane, changed
from bench.scenarios.extent import Extent
from bench.spells import Reading, spells
from bench.subjects import Subject

# Long enough for an operator to be quiet in between, so that one resync is told from the next.
_PERIODS = ((1_000, 10.0), (100_000, 20.0))
_RESYNCS = 2
_STEP_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class ResyncResult:
    """One round.

    Attributes:
        period: the setting, in seconds between two resyncs.
        cpu: CPU seconds of the operator for one resync: what it used in two periods, halved, with
            whatever else it did in that time.
        seconds: how long it was busy with each; none if the two could not be told apart.
        written: policies that were written; must be none.
        memory: the operator's memory afterwards, and its peak.
    """

    period: float
    cpu: float
    seconds: list[float]
    written: int
    memory: Memory


def measure_resync(subject: Subject, extent: Extent) -> ResyncResult:
    """Watches the operator for two resyncs among so many Namespaces."""
    period = next(seconds for most, seconds in _PERIODS if extent.namespaces <= most)
    # Looking at the targets of grants is no part of it, and has a period of its own.
    settings = {"resyncSeconds": period, "inspectionSeconds": 3600.0}
    with bench_plane() as bench:
        bench.populate(extent.namespaces, extent.written)
        with bench.running(subject, settings) as operator:
            settle([operator.pid])
            bench.settle()
            before = bench.versions()
            over = _await_resync(operator.pid, period)
            # From the middle between two resyncs on, so that two periods hold two of them.
            time.sleep(max(0.0, over + period / 2 - time.monotonic()))
            readings = _watch(operator.pid, _RESYNCS * period)
            used = memory(operator.pid)
            written = len(changed(before, bench.versions()))
    busy = [spell.seconds for spell in spells(readings)]
    cpu = (readings[-1].cpu - readings[0].cpu) / _RESYNCS
    return ResyncResult(period, cpu, busy if len(busy) == _RESYNCS else [], written, used)


def _await_resync(pid: int, period: float) -> float:
    """Waits for a resync; when it was over, or now if none costs enough to be seen."""
    readings: list[Reading] = []
    deadline = time.monotonic() + 2 * period
    while time.monotonic() < deadline:
        readings += _watch(pid, period / 5)
        over = [spell.end for spell in spells(readings) if spell.end < readings[-1].at - 1.0]
        if over:
            return over[-1]
    return time.monotonic()


def _watch(pid: int, seconds: float) -> list[Reading]:
    """Reads the CPU time of a process again and again."""
    readings = [Reading(time.monotonic(), cpu_seconds(pid))]
    while readings[-1].at < readings[0].at + seconds:
        time.sleep(_STEP_SECONDS)
        readings.append(Reading(time.monotonic(), cpu_seconds(pid)))
    return readings
