"""A table, for a terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table as RichTable


@dataclass(frozen=True, slots=True)
class Table:
    """Some figures under a title.

    Attributes:
        title: what is shown.
        columns: the headings; the first column holds words, the others figures.
        rows: as many cells each.
        note: what a reader must know to read it right; may be empty.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


def show(table: Table, console: Console) -> None:
    """Prints it."""
    shown = RichTable(title=table.title, title_justify="left", box=box.SIMPLE_HEAD)
    for number, column in enumerate(table.columns):
        shown.add_column(column, justify="right" if number else "left")
    for row in table.rows:
        shown.add_row(*row)
    console.print(shown)
    if table.note:
        console.print(table.note, style="dim", highlight=False)
    console.print()


def markdown(table: Table) -> str:
    """As Markdown, with a heading of the third level."""
    ruler = ["---", *("---:" for _ in table.columns[1:])]
    lines = (f"| {' | '.join(cells)} |" for cells in (table.columns, ruler, *table.rows))
    note = f"\n{table.note}\n" if table.note else ""
    return f"### {table.title}\n\n" + "\n".join(lines) + f"\n{note}"
