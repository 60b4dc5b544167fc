"""How long `homelab-netpol --help` takes, beside a Python that does nothing.

It needs no cluster. Its table is here too, as nothing else compares these figures.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.figures import Spread
from bench.records import Records
from bench.scenarios.extent import Extent
from bench.subjects import Subject
from bench.tables import Table

_HELP = ("-m", "homelab_netpol", "--help")
_NOTHING = ("-c", "pass")
_BAR_MS = 200


@dataclass(frozen=True, slots=True)
class HelpResult:
    """One round.

    Attributes:
        help: seconds of wall time, the median of several runs.
        python: the same of `python -c pass`.
    """

    help: float
    python: float


def measure_help(subject: Subject, extent: Extent) -> HelpResult:
    """Runs the two in turn, so that a slow moment falls on both."""
    environment = {**os.environ, **subject.environment}
    _seconds(_HELP, environment)  # reads the files from disk, and may write byte code
    runs = [
        (_seconds(_HELP, environment), _seconds(_NOTHING, environment))
        for _ in range(extent.samples)
    ]
    return HelpResult(*(statistics.median(times) for times in zip(*runs, strict=True)))


def help_tables(records: Records) -> list[Table]:
    """A row for each state of our sources."""
    rows = []
    for size in records.sizes(HelpResult):
        for name in records.who(HelpResult, size):
            found = records.of(HelpResult, name, size).values()
            times = [each.help / each.python for each in found]
            rows.append(
                [
                    name,
                    Spread.of([1e3 * each.help for each in found]).text(0),
                    Spread.of([1e3 * each.python for each in found]).text(0),
                    Spread.of(times).text(1),
                ]
            )
    note = f"Wall time of a process, the median of the runs of a round; bar: {_BAR_MS} ms."
    columns = ("operator", "--help, ms", "python -c pass, ms", "ratio")
    return [Table("The command line's help", columns, rows, note)] if rows else []


def _seconds(arguments: Sequence[str], environment: Mapping[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, *arguments], env=environment, stdout=subprocess.DEVNULL, check=True
    )
    return time.perf_counter() - started
