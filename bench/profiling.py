"""Where the operator's CPU time goes in a scenario: samples at even steps of CPU time, by package.

It begins when all modules are imported. Not cProfile: where a coroutine is cancelled, it books
the event loop's own time to that coroutine.
"""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from bench.subjects import Start, Subject
from bench.tables import Table

_RUN = """
import collections, json, runpy, signal, sys, homelab_netpol.runtime
file, sys.argv = sys.argv[1], sys.argv[1:]
samples = collections.Counter()
signal.signal(signal.SIGPROF, lambda _, frame: samples.update([frame.f_code]))
signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001)
try:
    runpy.run_module("homelab_netpol", run_name="__main__", alter_sys=True)
finally:
    signal.setitimer(signal.ITIMER_PROF, 0)
    json.dump([(c.co_filename, c.co_qualname, n) for c, n in samples.items()], open(file, "w"))
"""
_SOURCE = re.compile(r".*(?:site-packages/|python3\.\d+/|(?=homelab_netpol/))(\w+)(?:/(\w+))?")


def profiled(subject: Subject, folder: Path) -> Subject:
    """Our operator, with a file of samples in this folder for each time that it was started."""
    files = (str(folder / f"{number}.json") for number in itertools.count(1))

    def command(start: Start) -> list[str]:
        python, _, _, *arguments = subject.command(start)
        return [python, "-c", _RUN, next(files), *arguments]

    return Subject(subject.name, command, subject.environment)


def profiles(folder: Path) -> Iterator[Table]:
    """A table for each start of the operator: packages by their share, and their top functions."""
    for number, file in enumerate(sorted(folder.iterdir()), start=1):
        packages: dict[str, Counter[str]] = defaultdict(Counter)
        for path, function, count in json.loads(file.read_text(encoding="utf-8")):
            match = _SOURCE.match(path) or ["", "imports and generated code", ""]
            room = f".{match[2]}" if match[1] == "homelab_netpol" else ""
            packages[f"{match[1]}{room}"][function] += count
        total = sum(map(Counter.total, packages.values()))
        rows = []
        for name, found in sorted(packages.items(), key=lambda pair: -pair[1].total())[:15]:
            most = ", ".join(f"{what} {count / total:.1%}" for what, count in found.most_common(4))
            rows.append([name, f"{found.total() / total:.1%}", most])
        note = "C code counts as its callers' own: orjson's, and of uvloop's also its callbacks'."
        title = f"Start {number} of the operator: {total:,} samples"
        yield Table(title, ("package", "of its CPU time", "most of it in"), rows, note)
