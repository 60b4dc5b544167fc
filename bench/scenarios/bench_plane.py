"""A warm control plane to measure on, with the load generator beside it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from bench.audit import AuditLog
from bench.load.api import Access, run_load
from bench.load.housekeeping import prepare, versions
from bench.load.labels import namespace_names
from bench.load.written import Written, learn_written, populate
from bench.processes import CpuMeter, settle
from bench.subjects import Running, Subject, running
from homelab_netpol.package_data import own_crds
from lab.control_plane import ControlPlane

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is done in one measurement.

    Attributes:
        namespaces: how many there are, or are created.
        samples: how often something that takes milliseconds is done.
        seconds: how long an operator that has nothing to do is watched.
        written: what an operator writes for a Namespace.
    """

    namespaces: int
    samples: int
    seconds: float
    written: Written


@dataclass(frozen=True, slots=True)
class BenchPlane:
    """A control plane with a load generator beside it.

    Attributes:
        plane: the control plane.
        access: how the generator reaches it.
        folder: for files that a measurement needs.
        audit: what the API server wrote down; empty unless that was asked for.
        generator: two processes, as something is to be timed while the other one makes load.
    """

    plane: ControlPlane
    access: Access
    folder: Path
    audit: AuditLog
    generator: ProcessPoolExecutor

    def load(self, work: Callable[..., Coroutine[Any, Any, Result]], *arguments: Any) -> Result:
        """Runs a coroutine function of the generator, and waits for its result."""
        return self.start(work, *arguments).result()

    def start(
        self, work: Callable[..., Coroutine[Any, Any, Result]], *arguments: Any
    ) -> Future[Result]:
        """Starts a coroutine function of the generator, which can run two at a time."""
        return self.generator.submit(run_load, work, self.access, *arguments)

    def populate(self, count: int, written: Written) -> None:
        """Creates Namespaces whose policies all stand, as an operator left them."""
        self.load(populate, namespace_names(count), written)
        self.settle()

    def versions(self) -> dict[str, str]:
        """The resourceVersion of every managed policy, by namespace/name."""
        return self.load(versions)

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

    def running(
        self, subject: Subject, settings: Mapping[str, Any] | None = None
    ) -> AbstractContextManager[Running]:
        """Runs an operator against it, see `subjects.running`."""
        plane = self.plane
        return running(subject, plane.kubeconfig, self.folder, plane.group, settings or {})

    def settle(self) -> None:
        """Waits until the control plane has nothing left to do."""
        settle(self.pids.values(), timeout=30.0)


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> set[str]:
    """Which policies were created, changed or deleted between two calls of `versions`."""
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


@contextmanager
def bench_plane(*, audited: bool = False) -> Iterator[BenchPlane]:
    """Starts a control plane, and has it do everything once that is slower the first time.

    Args:
        audited: have the API server write down who writes, which costs it some time.
    """
    spawn = multiprocessing.get_context("spawn")
    with TemporaryDirectory(prefix="homelab-netpol-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        audit = AuditLog(folder)
        flags = audit.flags() if audited else ()
        # The plane ends first: what the generator still waits for, if this is broken off, fails
        # then, instead of keeping this process waiting.
        generator = stack.enter_context(ProcessPoolExecutor(2, mp_context=spawn))
        plane = stack.enter_context(ControlPlane(crds=own_crds(), apiserver_flags=flags))
        found = BenchPlane(plane, Access.read(plane.kubeconfig), folder, audit, generator)
        found.load(prepare)
        found.settle()
        yield found


def learn(subject: Subject) -> Written:
    """What an operator writes, for the bare client to write the same: one example of everything."""
    with bench_plane() as bench, bench.running(subject):
        return bench.load(learn_written)
