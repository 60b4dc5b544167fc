"""Runs a plan, and shows what came of it: also of a run that was broken off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from bench.plan import Measurement, Plan, measurements
from bench.processes import describe_machine
from bench.records import Records
from bench.runner import run
from bench.scenarios.bench_plane import bench_plane, learn
from bench.scenarios.extent import Extent
from bench.subjects import own
from bench.summary import tables
from bench.summary.bars import bars
from bench.summary.failures import disturbed
from bench.tables import markdown, show

_WIDTH = 150  # in a file or a log, where nobody says how wide it is


@dataclass(slots=True)
class Report:
    """Shows what is going on, and in the end the tables.

    Attributes:
        console: gets the tables.
        progress: gets a line now and then.
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
        self._tell("learning what is written (not measured)")
        written = learn(own())

        def extent(each: Measurement) -> Extent:
            return Extent(each.namespaces, each.samples, plan.seconds, written)

        records = Records(machine, json_file)
        complete = False
        try:
            run(measurements(plan), records, extent, self._tell)
            complete = not any(records.failed())
        except KeyboardInterrupt:
            self._tell("broken off: the tables show what was measured until then")
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

    def _tell(self, line: str) -> None:
        self.progress.print(line, style="dim", highlight=False)
