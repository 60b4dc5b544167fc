"""The hatch is opened while thousands of other Namespaces are created and reconciled."""

from __future__ import annotations

from dataclasses import dataclass

from bench.load.burst import Burst, create_namespaces
from bench.load.hatches import Opened, hatch_names, open_hatches
from bench.load.written import Written, populate
from bench.processes import Memory, memory, settle
from bench.scenarios.bench_plane import BenchPlane, Extent, bench_plane
from bench.subjects import Subject

# One for so many others: at 20 a second they last about as long as the burst of the others does.
_OTHERS_PER_HATCH = 12


@dataclass(frozen=True, slots=True)
class BareHatchesResult:
    """One round of bare clients.

    Attributes:
        opened: the hatches whose label was sent while the burst lasted.
        burst: the others.
        cpu: CPU seconds by process, until the last policy and the last hatch.
    """

    opened: list[Opened]
    burst: Burst
    cpu: dict[str, float]


@dataclass(frozen=True, slots=True)
class HatchesResult(BareHatchesResult):
    """One round of an operator.

    Attributes:
        memory: the operator's memory once it was quiet, and its peak.
    """

    memory: Memory


def measure_hatches(subject: Subject, extent: Extent) -> HatchesResult:
    """Opens hatches while so many others are created."""
    with bench_plane() as bench:
        _prepare(bench, extent)
        with bench.running(subject) as operator:
            settle([operator.pid])
            bench.settle()
            meter = bench.meter(operator=operator.pid)
            opened, burst = _open_meanwhile(bench, extent, None)
            cpu = meter.read(generator=burst.cpu)
            settle([operator.pid])
            used = memory(operator.pid)
    return HatchesResult(opened, burst, cpu, used)


def bare_hatches(extent: Extent) -> BareHatchesResult:
    """The same by bare clients: the client that labels a Namespace writes its policy as well."""
    with bench_plane() as bench:
        _prepare(bench, extent)
        meter = bench.meter()
        opened, burst = _open_meanwhile(bench, extent, extent.written)
        cpu = meter.read(generator=burst.cpu)
    return BareHatchesResult(opened, burst, cpu)


def _hatches(extent: Extent) -> int:
    return max(1, extent.namespaces // _OTHERS_PER_HATCH)


def _prepare(bench: BenchPlane, extent: Extent) -> None:
    names = hatch_names(_hatches(extent))
    # Two at a time, so that both of the generator's processes are there when it matters.
    halves = (names[::2], names[1::2])
    for future in [bench.start(populate, half, extent.written) for half in halves]:
        future.result()
    bench.settle()


def _open_meanwhile(
    bench: BenchPlane, extent: Extent, written: Written | None
) -> tuple[list[Opened], Burst]:
    others = bench.start(create_namespaces, extent.namespaces, written)
    opened = bench.load(open_hatches, _hatches(extent), written)
    burst = others.result()
    # Only those whose label was sent while the others were created and reconciled.
    end = burst.began + burst.seconds
    return [each for each in opened if burst.began <= each.at <= end], burst
