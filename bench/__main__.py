"""`python -m bench`: measures, shows tables, and writes them down for people or machines."""

from __future__ import annotations

import dataclasses
import json
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from bench.load.api import LoadError
from bench.processes import describe_machine
from bench.rounds import Plan, Round, run_rounds
from bench.scenarios.bench_plane import bench_plane
from bench.subjects import OUR_SOURCES, Subject, SubjectError
from bench.summary import disturbed, tables
from bench.tables import markdown, show
from homelab_netpol.localcluster import LocalClusterError

_FILE = click.Path(dir_okay=False, path_type=Path)
_OURS = "homelab-netpol"
_WIDTH = 140  # in a file or a log, where nobody says how wide it is


@click.command()
@click.option("--rounds", default=5, show_default=True, help="How often everything is measured.")
@click.option("--samples", default=50, show_default=True, help="Changes of each kind a round.")
@click.option("--namespaces", default=500, show_default=True, help="How many at once.")
@click.option("--quick", is_flag=True, help="2 rounds of 20 samples: to see whether it works.")
@click.option("--json", "json_file", type=_FILE, help="Write everything measured to this file.")
@click.option("--markdown", "markdown_file", type=_FILE, help="Write the tables to this file.")
@click.option(
    "--compare",
    multiple=True,
    metavar="NAME=DIR",
    help="Measure another state of the sources beside ours: its operator/ folder. Repeatable.",
)
def main(
    rounds: int,
    samples: int,
    namespaces: int,
    quick: bool,
    json_file: Path | None,
    markdown_file: Path | None,
    compare: Sequence[str],
) -> None:
    """Measure the operator on a local control plane: speed, CPU and memory."""
    # As Ctrl-C does: by default SIGTERM would leave the operator under test to itself.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console, progress = Console(), Console(stderr=True)
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    subjects = [Subject(_OURS, OUR_SOURCES), *map(_subject, compare)]
    if quick:
        rounds, samples = 2, 20
    plan = Plan(subjects, rounds=rounds, samples=samples, namespaces=namespaces)
    try:
        with bench_plane() as bench:
            machine = describe_machine(bench.plane.versions())
        found = run_rounds(plan, lambda line: progress.print(line, style="dim", highlight=False))
    except (LoadError, SubjectError, LocalClusterError) as error:
        raise click.ClickException(str(error)) from error
    described = ", ".join(f"{name} {value}" for name, value in machine.items())
    summed_up = tables(found, namespaces)
    warning = disturbed(found)
    console.print(f"{described}. {rounds} rounds.\n", highlight=False)
    for table in summed_up:
        show(table, console)
    if warning:
        console.print(warning, style="bold yellow")
    if markdown_file:
        text = "\n".join((f"{described}. {rounds} rounds. {warning}\n", *map(markdown, summed_up)))
        markdown_file.write_text(text, encoding="utf-8")
    if json_file:
        document = {"machine": machine, "rounds": [_plain(each) for each in found]}
        json_file.write_text(json.dumps(document, indent=1), encoding="utf-8")


def _subject(text: str) -> Subject:
    name, found, folder = text.partition("=")
    if not found or not (Path(folder) / "homelab_netpol").is_dir():
        raise click.UsageError(f"--compare {text}: give NAME=DIR, where DIR holds homelab_netpol/")
    return Subject(name, Path(folder).resolve())


def _plain(found: Round) -> dict[str, Any]:
    document = dataclasses.asdict(found)
    for result in document["at_once"].values():
        del result["policies"]  # bytes, and the same in every round
    return document


if __name__ == "__main__":
    main()
