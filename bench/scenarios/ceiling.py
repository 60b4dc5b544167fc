"""What the API server itself can do: the same writes by a bare client, and no operator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.load.burst import Burst, write_bare
from bench.load.latency import Sample, reflex
from bench.scenarios.bench_plane import bench_plane


@dataclass(frozen=True, slots=True)
class CeilingResult:
    """One round of the bare client.

    Attributes:
        samples: a Namespace and its policy, one after the other.
        burst: all at once.
        cpu: CPU seconds of the burst by process.
    """

    samples: list[Sample]
    burst: Burst
    cpu: dict[str, float]


def measure_ceiling(policies: Mapping[str, bytes], samples: int) -> CeilingResult:
    """Runs one round.

    Args:
        policies: what an operator writes, by Namespace.
        samples: how many of them are written one by one first.
    """
    one_by_one = dict(list(policies.items())[:samples])
    with bench_plane() as bench:
        found = bench.load(reflex, one_by_one)
    with bench_plane() as bench:
        meter = bench.meter()
        burst = bench.load(write_bare, policies)
        cpu = meter.read(generator=burst.cpu)
    return CeilingResult(found, burst, cpu)
