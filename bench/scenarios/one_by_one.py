"""One label at a time, nothing else going on: how long until its policy is stored."""

from __future__ import annotations

from dataclasses import dataclass

from bench.load.latency import KINDS, Sample, change_one_by_one
from bench.scenarios.bench_plane import bench_plane
from bench.subjects import Subject


@dataclass(frozen=True, slots=True)
class OneByOneResult:
    """One round.

    Attributes:
        samples: every change and how long it took.
        cpu: CPU seconds by process.
        changes: how many changes were made in all.
    """

    samples: list[Sample]
    cpu: dict[str, float]
    changes: int


def measure_one_by_one(subject: Subject, samples: int) -> OneByOneResult:
    """Runs one round with so many samples of each kind of change."""
    with bench_plane() as bench, bench.running(subject) as operator:
        bench.settle()
        meter = bench.meter(operator=operator.pid)
        found = bench.load(change_one_by_one, samples)
        cpu = meter.read()
    # A grant is one change that is seen on two sides.
    return OneByOneResult(found, cpu, samples * (len(KINDS) - 1))
