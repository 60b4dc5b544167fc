"""One label at a time, nothing else going on: how long until its policy is stored."""

from __future__ import annotations

from dataclasses import dataclass

from bench.load.latency import KINDS, Sample, change_one_by_one
from bench.processes import Memory, memory
from bench.scenarios.bench_plane import Extent, bench_plane
from bench.subjects import Subject


@dataclass(frozen=True, slots=True)
class BareOneByOneResult:
    """One round of the bare client.

    Attributes:
        samples: every change and how long it took; of the bare client, only Namespaces created.
    """

    samples: list[Sample]


@dataclass(frozen=True, slots=True)
class OneByOneResult(BareOneByOneResult):
    """One round of an operator.

    Attributes:
        cpu: CPU seconds by process.
        changes: how many changes were made in all.
        memory: the operator's afterwards, and its peak.
    """

    cpu: dict[str, float]
    changes: int
    memory: Memory


def measure_one_by_one(subject: Subject, extent: Extent) -> OneByOneResult:
    """Makes so many changes of each kind, each when what followed from the last one stood."""
    with bench_plane() as bench, bench.running(subject) as operator:
        bench.settle()
        meter = bench.meter(operator=operator.pid)
        found = bench.load(change_one_by_one, extent.samples)
        cpu = meter.read()
        used = memory(operator.pid)
    # A grant is one change that is seen on two sides.
    return OneByOneResult(found, cpu, extent.samples * (len(KINDS) - 1), used)


def bare_one_by_one(extent: Extent) -> BareOneByOneResult:
    """Creates so many Namespaces, and the policy of each right after it."""
    with bench_plane() as bench:
        return BareOneByOneResult(bench.load(change_one_by_one, extent.samples, extent.written))
