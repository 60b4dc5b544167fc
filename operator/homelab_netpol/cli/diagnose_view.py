"""What `diagnose` shows: a table that is kept up to date on a terminal, and the answer."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import click

from homelab_netpol.cli.output import as_cell, markdown_table, print_json, print_table, print_yaml
from homelab_netpol.diagnosis.diagnosis import Diagnosis, Kind, joined
from homelab_netpol.diagnosis.patch import joint_patch
from homelab_netpol.diagnosis.report import CELLS, cells, details, drop_words, report_data
from homelab_netpol.printable import on_one_line, printable

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

    from homelab_netpol.access.cluster_model import ClusterModel
    from homelab_netpol.diagnosis.diagnose import Diagnoser
    from homelab_netpol.diagnosis.groups import Groups
    from homelab_netpol.flows import Read

# So many flows are enough for a first answer.
_FIRST = 100
_SECONDS = 1.0
_MOST_KEPT = 5_000
_COLOURS = {Kind.RIGHT: "green", Kind.UNEXPECTED: "red", Kind.DENIED: "red", Kind.UNKNOWN: "yellow"}


class View:
    """Shows what was found so far, and in the end."""

    def __init__(
        self, diagnoser: Diagnoser, groups: Groups, read: Read, top: int, *, shadow: bool
    ) -> None:
        self._diagnoser = diagnoser
        self._groups = groups
        self._read = read
        self._top = top
        self._shadow = shadow
        self._live: Live | None = None
        self._follows = False
        self._flows = 0
        self._shown_at = 0.0
        self._said: set[tuple[str, str]] = set()
        self._unlooked = 0

    @property
    def gaps(self) -> Sequence[str]:
        """What could not be read of the cluster."""
        return self._diagnoser.model.manifests.gaps

    @contextmanager
    def shown(self, *, live: bool) -> Iterator[None]:
        """While flows come: a table that is kept up to date, or a line for what is new."""
        self._follows = live
        with self._opened() if live and sys.stdout.isatty() else nullcontext() as opened:
            self._live = opened
            yield
        self._live = None
        self._follows = False

    def tick(self) -> None:
        """One more flow."""
        self._flows += 1
        if self._follows and self._flows >= _FIRST:
            self._refresh()

    def pause(self) -> None:
        """No flow for a moment."""
        if self._follows and self._flows:
            self._refresh()

    def print(self, gaps: Sequence[str], *, fix: bool, output: str) -> int:
        """Prints the answer; how many diagnoses it has."""
        found = self._found()
        if fix:
            self._print_patch(found)
        elif output == "json":
            others = self._groups.others + self._unlooked
            print_json(report_data(found, self._read, others, gaps))
        elif output == "markdown":
            self._print_markdown(found)
        else:
            self._print_table(found)
        hidden = self._groups.others + self._unlooked
        if hidden and output != "json":
            click.echo(f"Note: {hidden:,} flows of rarer groups are not explained", err=True)
        return len(found)

    def _found(self) -> list[Diagnosis]:
        ranked = self._groups.ranked()
        self._diagnoser.forget(_MOST_KEPT)
        self._diagnoser.expect(ranked[: self._top])
        found: list[Diagnosis] = []
        self._unlooked = 0
        for group in ranked:
            if len(found) >= self._top:
                self._unlooked += group.count
                continue
            diagnosis = self._diagnoser.diagnose(group)
            # With other labels some would still pass: these are not told.
            if not (self._shadow and _passes(diagnosis)):
                found.append(diagnosis)
        return joined(found)

    def _opened(self) -> Live:
        from rich.live import Live

        return Live("waiting for flows", auto_refresh=False, transient=True)

    def _refresh(self) -> None:
        now = time.monotonic()
        if now - self._shown_at < _SECONDS:
            return
        found = self._found()
        if self._live is not None:
            self._live.update(self._table(found), refresh=True)
        else:
            self._say_new(found)
        # From the end, so that a long look leaves time to read.
        self._shown_at = time.monotonic()

    def _say_new(self, found: Sequence[Diagnosis]) -> None:
        for each in found:
            row = cells(each)
            if (row[2], row[3]) not in self._said and len(self._said) < _MOST_KEPT:
                self._said.add((row[2], row[3]))
                click.echo(f"new: {on_one_line(': '.join(row[2:]))}", err=True)

    def _table(self, found: Sequence[Diagnosis]) -> Table:
        from rich import box
        from rich.table import Table

        title = f"{self._read.flows + self._read.events:,} flows; Ctrl-C ends"
        table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        for column in CELLS:
            table.add_column(column.upper(), overflow="fold")
        for row in _rows(found):
            table.add_row(*row)
        return table

    def _print_table(self, found: Sequence[Diagnosis]) -> None:
        if not found:
            click.echo(self._nothing())
            return
        print_diagnoses(self._diagnoser.model, found)

    def _print_markdown(self, found: Sequence[Diagnosis]) -> None:
        if not found:
            click.echo(self._nothing())
            return
        click.echo(markdown_diagnoses(found))

    def _print_patch(self, found: Sequence[Diagnosis]) -> None:
        patch = joint_patch(self._diagnoser.model, found)
        for line in patch.left_out:
            click.echo(f"Note: {printable(line)}", err=True)
        if not patch.covered:
            click.echo("# Nothing to change in git was found.")
            return
        comments = ["Merge into the manifests in git. With all of it together these pass:"]
        comments += [on_one_line(f"{drop_words(each)}: {each.cause}") for each in patch.covered]
        print_yaml(patch.documents(), comments)

    def _nothing(self) -> str:
        flows = self._read.flows + self._read.events
        what = "would be dropped" if self._shadow else "was dropped"
        return f"No flow {what} ({flows:,} read)."


def print_diagnoses(model: ClusterModel, found: Sequence[Diagnosis]) -> None:
    """Prints them as a table, and below it what lets each pass."""
    print_table([each.upper() for each in CELLS], _rows(found))
    for number, each in enumerate(found, 1):
        lines = list(details(model, each))
        if not lines:
            continue
        click.echo(click.style(f"{number}. {printable(drop_words(each))}", bold=True))
        for line in lines:
            click.echo(f"   {printable(line)}")


def markdown_diagnoses(found: Sequence[Diagnosis]) -> str:
    """Them as a table of Markdown."""
    rows = ([on_one_line(cell) for cell in cells(each)] for each in found)
    return markdown_table([each.capitalize() for each in CELLS], rows)


def _passes(diagnosis: Diagnosis) -> bool:
    return diagnosis.answer is not None and diagnosis.answer.reply.value == "yes"


def _rows(found: Sequence[Diagnosis]) -> Iterator[list[str]]:
    for each in found:
        row = [as_cell(on_one_line(cell)) for cell in cells(each)]
        colour = _COLOURS.get(each.kind)
        yield [*row[:3], f"[{colour}]{row[3]}[/]" if colour else row[3], row[4]]
