"""Many labelled Namespaces at once, and then a restart with everything already right."""

from __future__ import annotations

import time
from dataclasses import dataclass

from bench.load.burst import Burst, create_namespaces
from bench.load.labels import namespace_names
from bench.load.written import count_different
from bench.processes import Memory, cpu_seconds, memory, settle
from bench.scenarios.bench_plane import BenchPlane, Extent, bench_plane, changed
from bench.subjects import Subject

STEADY_SECONDS = 10.0  # after a restart, for memory to settle and for a write that should not come


@dataclass(frozen=True, slots=True)
class RestartResult:
    """A start among Namespaces whose policies all stand.

    Attributes:
        seconds: from the start of the process until it said that it is ready.
        cpu: CPU seconds of the operator until 10 s after that: what it calls ready is its own
            affair, and some have work left then.
        written: how many policies were created, changed or deleted. Must be 0.
        memory: the operator's, 10 s after it was ready.
    """

    seconds: float
    cpu: float
    written: int
    memory: Memory


@dataclass(frozen=True, slots=True)
class BareAtOnceResult:
    """One round of the bare client.

    Attributes:
        burst: how long it took.
        cpu: CPU seconds by process, until the last policy was stored.
    """

    burst: Burst
    cpu: dict[str, float]


@dataclass(frozen=True, slots=True)
class AtOnceResult(BareAtOnceResult):
    """One round of an operator.

    Attributes:
        cpu_to_quiet: the operator's CPU seconds until it had nothing more to do; what it reports
            about the Namespaces comes after the policies.
        idle: the operator's memory before the first Namespace.
        memory: the operator's memory once it was quiet, and its peak.
        restart: what a restart after it came to.
        different: Namespaces whose policy is another one than the bare client writes.
    """

    cpu_to_quiet: float
    idle: Memory
    memory: Memory
    restart: RestartResult
    different: int


def measure_at_once(subject: Subject, extent: Extent) -> AtOnceResult:
    """Has so many Namespaces created while the operator runs, and then starts it again."""
    count = extent.namespaces
    with bench_plane() as bench:
        with bench.running(subject) as operator:
            bench.settle()
            idle = memory(operator.pid)
            before = cpu_seconds(operator.pid)
            meter = bench.meter(operator=operator.pid)
            burst = bench.load(create_namespaces, count)
            cpu = meter.read(generator=burst.cpu)
            settle([operator.pid])
            to_quiet = cpu_seconds(operator.pid) - before
            afterwards = memory(operator.pid)
        different = bench.load(count_different, namespace_names(count), extent.written)
        restart = _restart(bench, subject)
    return AtOnceResult(burst, cpu, to_quiet, idle, afterwards, restart, different)


def bare_at_once(extent: Extent) -> BareAtOnceResult:
    """The same writes by a bare client: what the API server itself can do."""
    with bench_plane() as bench:
        meter = bench.meter()
        burst = bench.load(create_namespaces, extent.namespaces, extent.written)
        cpu = meter.read(generator=burst.cpu)
    return BareAtOnceResult(burst, cpu)


def _restart(bench: BenchPlane, subject: Subject) -> RestartResult:
    bench.settle()
    before = bench.versions()
    with bench.running(subject) as operator:
        time.sleep(STEADY_SECONDS)
        cpu = cpu_seconds(operator.pid)
        found = memory(operator.pid)
        seconds = operator.seconds_to_ready
    return RestartResult(seconds, cpu, len(changed(before, bench.versions())), found)
