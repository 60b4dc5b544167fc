"""How results are printed: YAML, JSON, tables, Markdown. Colour only on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click

from homelab_netpol.printable import printable


def print_json(data: Any) -> None:
    """Prints JSON, indented, with its keys in the order given."""
    import orjson

    click.echo(orjson.dumps(data, option=orjson.OPT_INDENT_2).decode())


def print_yaml(documents: Iterable[Mapping[str, Any]], comments: Iterable[str] = ()) -> None:
    """Prints documents of YAML, one after the other, each whole: without anchors and aliases.

    Args:
        documents: JSON types only.
        comments: lines above the first of them.
    """
    from homelab_netpol.manifests.write import to_yaml

    for comment in comments:
        for line in comment.splitlines():
            click.echo(f"# {printable(line)}")
    click.echo(to_yaml(documents), nl=False)


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str | None = None
) -> None:
    """Prints a table as wide as the terminal, or as its contents where there is none.

    A cell may hold Rich's own markup for colours (`[red]no[/]`); text from elsewhere goes through
    `as_cell` first.
    """
    click.echo(table_text(columns, rows, title=title), nl=False)


def table_text(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str | None = None
) -> str:
    """What `print_table` prints."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    if not console.is_terminal:
        # A pipe has no width, and a wrapped cell is hard to search in.
        console = Console(highlight=False, width=10_000)
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


@contextmanager
def working(what: str) -> Iterator[None]:
    """Says on a terminal what takes a while, as long as it does."""
    import sys

    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(what):
        yield


def as_cell(text: str) -> str:
    """Text from elsewhere as a table prints it: nothing in it is markup, or moves the cursor."""
    from rich.markup import escape

    return escape(printable(text))


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown; nothing in a cell is HTML, ends it or its row, or moves the cursor."""
    lines = [_markdown_row(columns), _markdown_row(["---"] * len(columns))]
    return "\n".join([*lines, *map(_markdown_row, rows)])


def _markdown_row(cells: Sequence[str]) -> str:
    escaped = (
        printable(cell).replace("<", "&lt;").replace("|", "\\|").replace("\n", "<br>")
        for cell in cells
    )
    return f"| {' | '.join(escaped)} |"
