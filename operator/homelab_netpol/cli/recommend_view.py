"""What `recommend` prints, and writes."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from homelab_netpol.cli.inputs import remark
from homelab_netpol.cli.output import as_cell, markdown_table, print_json, print_table, print_yaml
from homelab_netpol.cli.status import InputError
from homelab_netpol.intent import format_moment
from homelab_netpol.printable import on_one_line
from homelab_netpol.recommendation.needs import SeenNeeds
from homelab_netpol.recommendation.plan import Plan
from homelab_netpol.recommendation.report import (
    NAMESPACE_CELLS,
    OPENING_CELLS,
    UNMET_CELLS,
    namespace_cells,
    opening_cells,
    plan_data,
    totals,
    unmet_cells,
)
from homelab_netpol.recommendation.tree import files, namespace_manifests
from homelab_netpol.recommendation.unused import Finding, Span, Use
from homelab_netpol.recommendation.widening import Widening, Wider

_MOST_ROWS = 50
_MOST_NOTES = 40
# So many Namespaces take some seconds.
_MUCH = 20
_FINDING_CELLS = ("Namespace", "Label or annotation", "Use", "Flows", "Last")
_COLOURS = {Use.UNUSED: "yellow", Use.WIDER: "yellow", Use.USED: "green"}


@dataclass
class PlanView:
    """Shows what is recommended.

    Attributes:
        plan: what that is.
        namespace: for which it was asked; None: for all.
        notes: what to know beside.
        gaps: what could not be read.
        seen: the flows; None: it is by policies.
    """

    plan: Plan
    namespace: str | None
    notes: Sequence[str]
    gaps: Sequence[str]
    seen: SeenNeeds | None
    _wider: list[Wider] = field(init=False)

    def __post_init__(self) -> None:
        widening = Widening(self.plan)
        self._wider = []
        for done, name in enumerate(sorted(self.plan.labels), 1):
            self._wider.append(widening.of(name))
            show_progress(done, len(self.plan.labels), "asked what is open beyond")

    def print(self, output: str) -> None:
        """Prints it."""
        if output == "json":
            print_json(plan_data(self.plan, self._wider, self.notes, self.gaps))
            return
        for note in self.notes[:_MOST_NOTES]:
            remark(note)
        if len(self.notes) > _MOST_NOTES:
            remark(f"and {len(self.notes) - _MOST_NOTES} more (-o json has all)")
        for gap in self.gaps:
            remark(gap)
        if output == "yaml":
            print_yaml(self._documents(), ["Merge into the manifests in git."])
        elif output == "markdown":
            self._print_markdown()
        else:
            self._print_text()

    def write(self, folder: Path) -> None:
        """Writes it as a tree.

        Raises:
            InputError: it cannot be written.
        """
        written = files(self.plan)
        try:
            for path, text in written.items():
                target = folder / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text, encoding="utf-8")
        except OSError as error:
            raise InputError(f"--output-dir {folder}: {error.strerror or error}") from error
        remark(f"{len(written)} files were written to {folder}")

    def _documents(self) -> list[dict[str, object]]:
        manifests = namespace_manifests(self.plan)
        return [*manifests.values(), *(dict(each) for each in self.plan.change.objects)]

    def _print_text(self) -> None:
        click.echo(totals(self.plan, self._wider, by_policies=self.seen is None))
        if self.namespace is None:
            print_table([each.upper() for each in NAMESPACE_CELLS], _cells(self._rows()))
            if self.plan.change.objects:
                click.echo(f"With {_objects(self.plan)}: -o yaml, or --output-dir, has them.\n")
        else:
            click.echo("\nIn git, in the manifests:\n")
            print_yaml(self._documents())
            click.echo()
        for title, columns, rows in self._tables():
            print_table([each.upper() for each in columns], _cells(rows), title=title)

    def _print_markdown(self) -> None:
        click.echo(f"{totals(self.plan, self._wider, by_policies=self.seen is None)}\n")
        click.echo(markdown_table(NAMESPACE_CELLS, _plain(self._rows())))
        if self.plan.change.objects:
            click.echo(f"\nWith {_objects(self.plan)}.")
        for title, columns, rows in self._tables():
            click.echo(f"\n{title}\n")
            click.echo(markdown_table(columns, _plain(rows)))

    def _rows(self) -> Iterator[tuple[str, ...]]:
        for wider in self._wider:
            yield namespace_cells(self.plan, self.plan.labels[wider.namespace], wider)

    def _tables(self) -> Iterator[tuple[str, tuple[str, ...], list[tuple[str, ...]]]]:
        unmet = sorted(self.plan.unmet, key=lambda each: -each.need.count)
        if unmet:
            more = f" (the first {_MOST_ROWS} of {len(unmet)})" if len(unmet) > _MOST_ROWS else ""
            shown = [unmet_cells(each) for each in unmet[:_MOST_ROWS]]
            yield f"Would still be dropped{more}:", UNMET_CELLS, shown
        what = "needed" if self.seen is None else "seen"
        if self.namespace is not None:
            for wider in self._wider:
                if wider.openings:
                    rows = [opening_cells(each) for each in wider.openings]
                    title = f"Open beyond what was {what}, for {wider.namespace}:"
                    yield title, OPENING_CELLS, rows


def show_progress(done: int, of: int, what: str = "searched") -> None:
    """Says on a terminal how far it is, if there is much to do."""
    if of > _MUCH and sys.stderr.isatty() and (done % 5 == 0 or done == of):
        click.echo(f"\r{what}: {done} of {of} Namespaces{' ' * 10}", nl=done == of, err=True)


def print_findings(
    found: Sequence[Finding],
    span: Span,
    notes: Sequence[str],
    gaps: Sequence[str],
    output: str,
) -> None:
    """Prints which grants were used."""
    if output == "json":
        print_json(
            {
                "from": _moment(span.first),
                "to": _moment(span.last),
                "since": _moment(span.asked),
                "findings": [_finding_data(each) for each in found],
                "notes": list(notes),
                "gaps": list(gaps),
            }
        )
        return
    if output == "yaml":
        raise InputError("--unused prints text, json or markdown")
    for line in (*notes[:_MOST_NOTES], *gaps):
        remark(line)
    open_ = [each for each in found if each.use is not Use.USED]
    words = f"{len(found) - len(open_)} of {len(found)} labels and annotations were used"
    when = f" from {_moment(span.first)} to {_moment(span.last)}" if span.first else ""
    rows = [_finding_cells(each) for each in found]
    if output == "markdown":
        click.echo(f"{words}{when}.\n")
        click.echo(markdown_table(_FINDING_CELLS, _plain(rows)))
        return
    click.echo(f"{words}{when}.")
    if found:
        coloured = (
            [*cells[:2], f"[{_COLOURS[each.use]}]{cells[2]}[/]", *cells[3:]]
            if each.use in _COLOURS
            else cells
            for each, cells in zip(found, _cells(rows), strict=True)
        )
        print_table([each.upper() for each in _FINDING_CELLS], coloured)


def _finding_cells(each: Finding) -> tuple[str, ...]:
    use = each.use.value
    if each.instead:
        use = f"{use}: {each.instead} is enough"
    if each.since is not None:
        use = f"{use}: the Namespace is of {_moment(each.since)}"
    last = _moment(each.last) or ""
    setting = each.setting
    return setting.namespace, f"{setting.key}={setting.value}", use, f"{each.flows:,}", last


def _finding_data(each: Finding) -> dict[str, object]:
    return {
        "namespace": each.setting.namespace,
        "key": each.setting.key,
        "value": each.setting.value,
        "annotation": each.setting.annotation,
        "use": each.use.value,
        "flows": each.flows,
        "last": _moment(each.last),
        "instead": each.instead or None,
        "namespaceSince": _moment(each.since),
    }


def _objects(plan: Plan) -> str:
    kinds: dict[str, list[str]] = {}
    for each in plan.change.objects:
        kinds.setdefault(each["kind"], []).append(each["metadata"]["name"])
    return "; ".join(f"{kind} {', '.join(names)}" for kind, names in kinds.items())


def _moment(moment: object) -> str | None:
    from datetime import datetime

    return format_moment(moment) if isinstance(moment, datetime) else None


def _cells(rows: Iterable[Sequence[str]]) -> Iterator[list[str]]:
    for row in rows:
        yield [as_cell(on_one_line(cell)) for cell in row]


def _plain(rows: Iterable[Sequence[str]]) -> Iterator[list[str]]:
    for row in rows:
        yield [on_one_line(cell) for cell in row]
