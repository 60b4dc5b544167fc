"""A control plane to measure on, warm, and a process that puts load on it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from bench.load.api import Access
from bench.load.housekeeping import prepare
from bench.processes import CpuMeter, settle
from bench.subjects import Running, Subject, running
from homelab_netpol.localcluster import ControlPlane
from homelab_netpol.shipped import own_crds

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class BenchPlane:
    """A control plane with a load generator beside it.

    Attributes:
        plane: the control plane.
        access: how the generator reaches it.
        folder: for whatever a measurement needs to write down.
    """

    plane: ControlPlane
    access: Access
    folder: Path
    generator: ProcessPoolExecutor

    def load(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Has the generator's process do something, and waits."""
        return self.generator.submit(work, self.access, *arguments).result()

    @property
    def pids(self) -> dict[str, int]:
        """The control plane's processes by the names that the tables use."""
        components = {
            "API server": self.plane.apiserver,
            "etcd": self.plane.etcd,
            "controllers": self.plane.controller_manager,
        }
        return {name: part.pid for name, part in components.items() if part.pid is not None}

    def meter(self, **operator: int) -> CpuMeter:
        """Measures from now on who uses the CPU; `operator=PID` if one runs."""
        return CpuMeter({**self.pids, **operator})

    def running(self, subject: Subject) -> AbstractContextManager[Running]:
        """Runs an operator against it, see `subjects.running`."""
        return running(subject, self.plane.kubeconfig, self.folder, self.plane.group)

    def settle(self) -> None:
        """Waits until the control plane has nothing left to do."""
        settle(self.pids.values())


@contextmanager
def bench_plane() -> Iterator[BenchPlane]:
    """Starts a control plane, and has it do everything once that is slower the first time."""
    spawn = multiprocessing.get_context("spawn")
    with (
        TemporaryDirectory(prefix="homelab-netpol-bench-") as folder,
        ControlPlane(crds=own_crds()) as plane,
        ProcessPoolExecutor(1, mp_context=spawn) as generator,
    ):
        found = BenchPlane(plane, Access.read(plane.kubeconfig), Path(folder), generator)
        found.load(prepare)
        found.settle()
        yield found
