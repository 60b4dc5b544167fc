"""An inspection of a large cluster: what it costs, and whether the event loop turns meanwhile."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.inspecting import Look, looks, noting
from bench.load.labels import namespace_names
from bench.load.others import PODS_EACH, add_others
from bench.processes import Memory, memory, settle
from bench.scenarios.bench_plane import Extent, bench_plane
from bench.subjects import Running, Subject

_PERIOD_SECONDS = 3.0
_LOOKS = 3
_TIMEOUT_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class InspectionResult:
    """One round.

    Attributes:
        pods: how many there were.
        policies: how many of others there were, at least.
        looks: some inspections one after the other.
        memory: the operator's memory afterwards, and its peak since its start.
    """

    pods: int
    policies: int
    looks: Sequence[Look]
    memory: Memory


def measure_inspection(subject: Subject, extent: Extent) -> InspectionResult:
    """Has the operator inspect so many Namespaces, with pods and policies of others in each."""
    settings = {"inspectionSeconds": _PERIOD_SECONDS}
    names = namespace_names(extent.namespaces)
    with bench_plane() as bench, TemporaryDirectory(prefix="homelab-netpol-looks-") as folder:
        bench.populate(extent.namespaces, extent.written)
        bench.load(add_others, names)
        bench.settle()
        noted = Path(folder)
        with bench.running(noting(subject, noted), settings) as operator:
            settle([operator.pid], timeout=30.0)
            found = _wait(operator, noted)
            used = memory(operator.pid)
    return InspectionResult(len(names) * PODS_EACH, len(names), found, used)


def _wait(operator: Running, folder: Path) -> list[Look]:
    """The next inspections, which run while the operator has nothing else to do."""
    before, deadline = len(looks(folder)), time.monotonic() + _TIMEOUT_SECONDS
    # The one that may run now began earlier.
    while len(looks(folder)) < before + 1 + _LOOKS:
        if time.monotonic() > deadline:
            raise operator.failure(f"made no {_LOOKS} inspections in {_TIMEOUT_SECONDS:g} s")
        time.sleep(0.2)
    return looks(folder)[before + 1 :][:_LOOKS]
