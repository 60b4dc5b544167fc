"""What an operator writes, to write the same without one."""

from __future__ import annotations

from bench.load.written import Written, learn_written
from bench.scenarios.bench_plane import bench_plane
from bench.subjects import Subject


def learn(subject: Subject) -> Written:
    """Runs the operator for as long as it takes to see one example of everything."""
    with bench_plane() as bench, bench.running(subject):
        return bench.load(learn_written)
