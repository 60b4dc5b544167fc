"""A custom profile with many users is changed."""

from __future__ import annotations

from dataclasses import dataclass

from bench.load.redefine import Redefinition, change_profile, replace_bare, use_profile
from bench.processes import Memory, memory, settle
from bench.scenarios.bench_plane import Extent, bench_plane
from bench.subjects import Subject


@dataclass(frozen=True, slots=True)
class RedefinitionResult:
    """One round.

    Attributes:
        changed: the operator's own.
        bare: the same replacements without an operator, on the same control plane.
        cpu: CPU seconds by process, until the last policy was replaced.
        memory: the operator's memory once it was quiet again, and its peak.
    """

    changed: Redefinition
    bare: Redefinition
    cpu: dict[str, float]
    memory: Memory


def measure_redefinition(subject: Subject, extent: Extent) -> RedefinitionResult:
    """Changes a profile that so many Namespaces use."""
    with bench_plane() as bench:
        with bench.running(subject) as operator:
            bench.load(use_profile, extent.namespaces)
            settle([operator.pid])
            bench.settle()
            meter = bench.meter(operator=operator.pid)
            changed = bench.load(change_profile, 40001)
            cpu = meter.read(generator=changed.cpu)
            settle([operator.pid])
            used = memory(operator.pid)
        bench.settle()
        bare = bench.load(replace_bare, 40002)
    return RedefinitionResult(changed, bare, cpu, used)
