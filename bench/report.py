"""Runs a plan, and shows its tables, also those of a run that was broken off."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from bench.plan import Measurement, Plan, measurements
from bench.processes import describe_machine
from bench.records import Record, Records
from bench.scenarios.bench_plane import Extent, bench_plane, learn
from bench.subjects import OURS, own
from bench.summary import tables
from bench.summary.bars import bars
from bench.summary.failures import disturbed
from bench.tables import markdown, show

_WIDTH = 150  # in a file or a log, which have no width


@dataclass(slots=True)
class Report:
    """Shows the progress of a run, and in the end its tables.

    Attributes:
        console: gets the tables.
        progress: gets a line before and after each measurement.
        ours: the names under which our own operator is measured.
        file: gets the tables as Markdown; None: nothing does.
    """

    console: Console
    progress: Console
    ours: Sequence[str]
    file: Path | None

    def measure(self, plan: Plan, json_file: Path | None) -> bool:
        """Runs the plan and shows the tables; says whether everything could be measured.

        Ctrl-C ends the measuring, and the tables of what there is are shown.
        """
        with bench_plane() as bench:
            machine = describe_machine(bench.plane.versions())
        self._progress_line("learning what is written (not measured)")
        written = learn(own())
        # Another state of ours may write something else; what stands for it is what it writes.
        of_others = {
            each.name: learn(each.subject)
            for each in plan.contenders
            if each.ours and each.subject is not None and each.name != OURS
        }

        def extent(each: Measurement) -> Extent:
            stands = of_others.get(each.contender.name, written)
            return Extent(each.namespaces, each.samples, plan.seconds, stands)

        records = Records(machine, json_file)
        complete = False
        try:
            run(measurements(plan), records, extent, self._progress_line)
            complete = not any(records.failed())
        except KeyboardInterrupt:
            self._progress_line("broken off: the tables show what was measured until then")
        self._show(records)
        return complete

    def _show(self, records: Records) -> None:
        console = self.console if self.console.is_terminal else Console(width=_WIDTH)
        described = ", ".join(f"{name} {value}" for name, value in records.machine.items())
        described = f"{described}. {records.rounds()} rounds."
        judged, measured = bars(records, self.ours), tables(records)
        warning = disturbed(records)
        console.print(f"{described}\n", highlight=False)
        for table in (*measured, *judged):  # a terminal shows best what comes last
            show(table, console)
        if warning:
            console.print(warning, style="bold yellow")
        if self.file:
            text = "\n".join((f"{described} {warning}\n", *map(markdown, (*judged, *measured))))
            self.file.write_text(text, encoding="utf-8")

    def _progress_line(self, line: str) -> None:
        self.progress.print(line, style="dim", highlight=False)


def run(
    todo: Iterable[Measurement],
    records: Records,
    extent: Callable[[Measurement], Extent],
    progress: Callable[[str], None],
) -> None:
    """Makes all measurements in their order, into `records`.

    What fails is recorded with its reason, and the others go on: hours of figures are not lost
    because of one operator that did not become ready once.
    """
    for each in todo:
        scenario, contender = each.scenario, each.contender
        what = f"round {each.round}: {scenario.name}, {each.namespaces:,}: {contender.name}"
        progress(what)
        begun = time.monotonic()
        result, error = None, ""
        try:
            if contender.subject is not None:
                result = scenario.measure(contender.subject, extent(each))
            elif scenario.bare is not None:
                result = scenario.bare(extent(each))
        except Exception as failure:  # the other measurements are worth having
            error = "".join(traceback.format_exception_only(failure)).strip()
            progress(f"{what} FAILED: {error}")
        else:
            progress(f"{what}: done in {time.monotonic() - begun:.0f} s")
        place = (each.round, scenario.name, contender.name, each.namespaces)
        records.add(Record(*place, result, error))
