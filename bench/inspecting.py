"""Has the operator note what its inspections cost, and for how long the event loop stood still.

The operator is the real one, in a process of its own with all that it does beside; only the call of
an inspection is wrapped.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from bench.subjects import Start, Subject

_RUN = """
import asyncio, json, runpy, sys, time, homelab_netpol.runtime
from homelab_netpol.findings.inspector import Inspector
file, sys.argv = open(sys.argv[1], "a", buffering=1), sys.argv[1:]
STEP, look = 0.001, Inspector.look

async def watch(longest):
    while True:
        begun, cpu = time.perf_counter(), time.thread_time()
        await asyncio.sleep(STEP)
        longest["stall"] = max(longest["stall"], time.perf_counter() - begun - STEP)
        longest["busy"] = max(longest["busy"], time.thread_time() - cpu)

async def measured(self):
    longest = {"stall": 0.0, "busy": 0.0}
    watching = asyncio.create_task(watch(longest))
    begun, cpu = time.perf_counter(), time.process_time()
    try:
        found, deny_rules = await look(self)
    finally:
        watching.cancel()
    used = {"seconds": time.perf_counter() - begun, "cpu": time.process_time() - cpu}
    print(json.dumps({**used, "findings": len(found), **longest}), file=file)
    return found, deny_rules

Inspector.look = measured
runpy.run_module("homelab_netpol", run_name="__main__", alter_sys=True)
"""


@dataclass(frozen=True, slots=True)
class Look:
    """One inspection.

    Attributes:
        seconds: from its begin to its end.
        cpu: CPU seconds of the whole process in that time.
        stall: the longest time that the event loop did not turn, in seconds.
        busy: the most CPU seconds that it used between two turns.
        findings: how many there were.
    """

    seconds: float
    cpu: float
    stall: float
    busy: float
    findings: int


def noting(subject: Subject, folder: Path) -> Subject:
    """Our operator, which writes down each of its inspections in a folder."""

    def command(start: Start) -> list[str]:
        python, _, _, *arguments = subject.command(start)  # python -m homelab_netpol ...
        return [python, "-c", _RUN, str(folder / "looks.jsonl"), *arguments]

    return Subject(subject.name, command, subject.environment)


def looks(folder: Path) -> list[Look]:
    """The inspections so far."""
    file = folder / "looks.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [Look(**json.loads(line)) for line in lines]
