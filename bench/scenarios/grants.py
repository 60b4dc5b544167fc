"""One shared resource is granted to many Namespaces, one after the other."""

from __future__ import annotations

from dataclasses import dataclass

from bench.load.grants import Grants, grant_in_turn
from bench.processes import Memory, memory, settle
from bench.scenarios.bench_plane import Extent, bench_plane
from bench.subjects import Subject


@dataclass(frozen=True, slots=True)
class BareGrantsResult:
    """One round of the bare client.

    Attributes:
        grants: how long it took, and how often the list beside the resource was written.
        cpu: CPU seconds by process, until the last side was stored.
    """

    grants: Grants
    cpu: dict[str, float]


@dataclass(frozen=True, slots=True)
class GrantsResult(BareGrantsResult):
    """One round of an operator.

    Attributes:
        memory: the operator's memory once it was quiet, and its peak.
    """

    memory: Memory


def measure_grants(subject: Subject, extent: Extent) -> GrantsResult:
    """Labels so many Namespaces, each when the one before was acknowledged."""
    with bench_plane() as bench:
        bench.populate(extent.namespaces, extent.written)
        with bench.running(subject) as operator:
            settle([operator.pid])
            bench.settle()
            meter = bench.meter(operator=operator.pid)
            found = bench.load(grant_in_turn, extent.namespaces)
            cpu = meter.read(generator=found.cpu)
            settle([operator.pid])
            used = memory(operator.pid)
    return GrantsResult(found, cpu, used)


def bare_grants(extent: Extent) -> BareGrantsResult:
    """The same by a bare client, that writes the list once."""
    with bench_plane() as bench:
        bench.populate(extent.namespaces, extent.written)
        meter = bench.meter()
        found = bench.load(grant_in_turn, extent.namespaces, extent.written)
        cpu = meter.read(generator=found.cpu)
    return BareGrantsResult(found, cpu)
