"""The tables of the commands over large trees, and of how long each takes to begin."""

from __future__ import annotations

from collections.abc import Collection

from bench.figures import percentile
from bench.records import Records
from bench.scenarios.commands import CommandsResult
from bench.summary.columns import NONE
from bench.tables import Table

_COLUMNS = ("command", "p50 ms", "worst ms", "CPU p50 ms", "most MiB")
_NOTE = (
    "From the start of the process to its end, with byte code. CPU: of the process, user and"
    " system. MiB: resident, of the process. A dash: the command is not there."
)


def command_tables(records: Records) -> list[Table]:
    """A table for each state of our operator."""
    return [
        Table(f"Commands, {name}", _COLUMNS, _rows(rounds.values()), _NOTE)
        for name, rounds in records.by_name(CommandsResult).items()
    ]


def _rows(rounds: Collection[CommandsResult]) -> list[list[str]]:
    names = dict.fromkeys(name for each in rounds for name in (*each.seconds, *each.absent))
    rows = []
    for name in names:
        seconds = [value for each in rounds for value in each.seconds.get(name, ())]
        cpu = [value for each in rounds for value in each.cpu.get(name, ())]
        memory = [value for each in rounds for value in each.memory.get(name, ())]
        most = f"{max(memory):.0f}" if memory else NONE
        if seconds:
            figures = (percentile(seconds, 0.5), max(seconds), percentile(cpu, 0.5))
            rows.append([name, *(f"{1e3 * value:.0f}" for value in figures), most])
        else:
            rows.append([name, NONE, NONE, NONE, NONE])
    return rows
