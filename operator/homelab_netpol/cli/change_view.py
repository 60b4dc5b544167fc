"""What `watch-change` shows: meanwhile on standard error, and the answer."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from homelab_netpol.cli.diagnose_view import markdown_diagnoses, print_diagnoses
from homelab_netpol.cli.inputs import remark
from homelab_netpol.cli.output import print_json
from homelab_netpol.diagnosis.change_report import change_data, notes, remarks, summary
from homelab_netpol.diagnosis.group_key import group_key
from homelab_netpol.intent.deadline import format_moment
from homelab_netpol.printable import on_one_line, printable

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from rich.live import Live

    from homelab_netpol.access.cluster_model import ClusterModel
    from homelab_netpol.diagnosis.change import ChangeWatch
    from homelab_netpol.diagnosis.change_report import ChangeReport
    from homelab_netpol.diagnosis.diagnosis import Diagnosis
    from homelab_netpol.flows import Flow, Read

# A terminal is kept up to date; the log of a pipeline gets a line now and then.
_TERMINAL_SECONDS, _LOG_SECONDS = 0.5, 30.0
_MOST_SAID = 1_000
_BROKEN = "Passed before, and is dropped"
_NEW = "Dropped, and was not seen before"


class ChangeView:
    """Shows how far it is, what is found broken at once, and in the end the whole."""

    def __init__(
        self,
        namespace: str,
        changed: datetime | None,
        watch: ChangeWatch,
        length: timedelta | None,
    ) -> None:
        self._namespace = namespace
        self._changed = changed
        self._watch = watch
        self._length = length
        self._live: Live | None = None
        self._began = time.monotonic()
        self._shown_at = self._began
        self._said: set[str] = set()

    @contextmanager
    def shown(self) -> Iterator[None]:
        """While flows come."""
        when = format_moment(self._changed) if self._changed is not None else "the change"
        click.echo(
            f"{self._namespace}: flows since {when} are compared with those before", err=True
        )
        self._began = self._shown_at = time.monotonic()
        if not sys.stderr.isatty():
            yield
            return
        from rich.console import Console
        from rich.live import Live

        with Live(
            "", console=Console(stderr=True, highlight=False), auto_refresh=False, transient=True
        ) as opened:
            self._live = opened
            yield
        self._live = None

    def broken(self, flow: Flow) -> None:
        """A drop of something that passed before."""
        words = on_one_line(group_key(flow).words)
        if words not in self._said and len(self._said) < _MOST_SAID:
            self._said.add(words)
            self._say(f"dropped, and passed before: {words}")

    def tick(self) -> None:
        """Time has passed."""
        now = time.monotonic()
        wait = _TERMINAL_SECONDS if self._live is not None else _LOG_SECONDS
        if now - self._shown_at < wait:
            return
        self._shown_at = now
        whole = f" of {self._length.total_seconds():.0f}s" if self._length is not None else ""
        line = (
            f"{now - self._began:.0f}s{whole}: {self._watch.before:,} flows before,"
            f" {self._watch.after:,} since, {len(self._said):,} broken"
        )
        if self._live is not None:
            self._live.update(f"{line}; Ctrl-C ends", refresh=True)
        else:
            click.echo(line, err=True)

    def print(self, report: ChangeReport, model: ClusterModel, read: Read, *, output: str) -> None:
        """The answer, and beside it what a reader must know."""
        if output == "json":
            print_json(change_data(report, self._watch, read))
        elif output == "markdown":
            _print_markdown(report)
        else:
            _print_text(report, model)
        for line in (*report.gaps, *read.notes(), *notes(self._watch)):
            remark(line)

    def _say(self, line: str) -> None:
        if self._live is not None:
            self._live.console.print(printable(line), markup=False, highlight=False)
        else:
            click.echo(printable(line), err=True)


def _print_text(report: ChangeReport, model: ClusterModel) -> None:
    click.echo(click.style(printable(summary(report)), bold=True))
    for title, found in _parts(report):
        click.echo(f"\n{title}:")
        print_diagnoses(model, found)
    for line in remarks(report):
        click.echo(printable(line))


def _print_markdown(report: ChangeReport) -> None:
    click.echo(f"**{_escaped(summary(report))}**\n")
    for title, found in _parts(report):
        click.echo(f"{title}:\n\n{markdown_diagnoses(found)}\n")
    for line in remarks(report):
        click.echo(f"- {_escaped(line)}")


def _parts(report: ChangeReport) -> Iterator[tuple[str, list[Diagnosis]]]:
    for title, found in ((_BROKEN, report.broken), (_NEW, report.new)):
        if found:
            yield title, found


def _escaped(text: str) -> str:
    return on_one_line(text).replace("<", "&lt;").replace("*", "\\*")
