"""Many labelled Namespaces at once, and then a restart with everything already right."""

from __future__ import annotations

import time
from dataclasses import dataclass

from bench.load.burst import Burst, create_namespaces, learn_policies
from bench.load.housekeeping import versions
from bench.processes import Memory, cpu_seconds, memory, settle
from bench.scenarios.bench_plane import BenchPlane, bench_plane
from bench.subjects import Subject

_WATCHED_SECONDS = 3.0  # after the restart, for a write that should not come


@dataclass(frozen=True, slots=True)
class RestartResult:
    """A start among Namespaces whose policies all stand.

    Attributes:
        seconds: from the start of the process until it said that it is ready.
        cpu: CPU seconds of the operator until then.
        written: how many policies were created, changed or deleted. Must be 0.
        memory: of the operator afterwards.
    """

    seconds: float
    cpu: float
    written: int
    memory: Memory


@dataclass(frozen=True, slots=True)
class AtOnceResult:
    """One round.

    Attributes:
        burst: how long it took.
        cpu: CPU seconds by process, until the last policy was stored.
        cpu_to_quiet: the operator's until it had nothing more to do; its Events come after the
            policies.
        idle: the operator's memory before the first Namespace.
        memory: the operator's memory once it was quiet, and its peak.
        restart: what a restart after it came to.
        policies: what was written, by Namespace, for the bare client to write again.
    """

    burst: Burst
    cpu: dict[str, float]
    cpu_to_quiet: float
    idle: Memory
    memory: Memory
    restart: RestartResult
    policies: dict[str, bytes]


def measure_at_once(subject: Subject, count: int) -> AtOnceResult:
    """Runs one round with so many Namespaces."""
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
        policies = bench.load(learn_policies)
        restart = _restart(bench, subject)
    return AtOnceResult(burst, cpu, to_quiet, idle, afterwards, restart, policies)


def _restart(bench: BenchPlane, subject: Subject) -> RestartResult:
    bench.settle()
    before = bench.load(versions)
    with bench.running(subject) as operator:
        cpu = cpu_seconds(operator.pid)
        time.sleep(_WATCHED_SECONDS)
        found = memory(operator.pid)
        seconds = operator.seconds_to_ready
    after = bench.load(versions)
    written = sum(before.get(key) != after.get(key) for key in before.keys() | after.keys())
    return RestartResult(seconds, cpu, written, found)
