"""`python -m bench`: measures, shows tables, and writes them down for people or machines."""

from __future__ import annotations

import json
import signal
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from bench.contenders import BARE, Contender, contenders, our, pick
from bench.curves.drawing import draw
from bench.curves.series import read_series
from bench.datapath.measure import CONFIGURATIONS, measure, table
from bench.load.api import LoadError
from bench.plan import Plan
from bench.profiling import profiled, profiles
from bench.report import Report
from bench.scenarios.bench_plane import Extent, learn
from bench.scenarios.index import SCENARIOS
from bench.subjects import OURS, SubjectError, own
from bench.tables import show
from lab.control_plane import LocalClusterError

_FILE = click.Path(dir_okay=False, path_type=Path)
_SIZES = (100, 250, 500, 1_000, 2_500, 5_000)
_COUNT = click.IntRange(min=1)
_COUNT_OR_NONE = click.IntRange(min=0)
_WITHOUT_CLUSTER = ("command-line", "commands", "audit-page")
_ON_A_CLUSTER = [each.name for each in SCENARIOS if each.name not in _WITHOUT_CLUSTER]
_NAMES = ", ".join(scenario.name for scenario in SCENARIOS)

_scenario = click.option(
    "--scenario",
    "names",
    multiple=True,
    type=click.Choice([scenario.name for scenario in SCENARIOS]),
    metavar="NAME",
    help=f"Measure only this one: {_NAMES}. Repeatable.",
)
_subject = click.option(
    "--subject",
    "keys",
    multiple=True,
    metavar="NAME",
    help="Measure only this one, such as plain-kopf; a wrong name shows which there are."
    " Repeatable.",
)
_compare = click.option(
    "--compare",
    multiple=True,
    metavar="NAME=DIR",
    help="Measure another state of the sources beside ours: its operator/ folder. Repeatable.",
)
_json = click.option("--json", "json_file", type=_FILE, help="Write everything measured here.")
_markdown = click.option("--markdown", "markdown_file", type=_FILE, help="Write the tables here.")


@click.group(invoke_without_command=True)
@click.option("--rounds", default=3, show_default=True, type=_COUNT, help="How often.")
@click.option("--samples", default=50, show_default=True, type=_COUNT, help="Of each a round.")
@click.option(
    "--namespaces",
    multiple=True,
    default=(500,),
    show_default=True,
    type=_COUNT,
    help="How many there are or come at once. Repeatable.",
)
@click.option("--large", default=5000, show_default=True, help="The same, less often; 0: not.")
@click.option("--large-rounds", default=2, show_default=True, type=_COUNT, help="How often.")
@click.option("--many", default=1000, show_default=True, help="Users of one profile or grant.")
@click.option("--seconds", default=60.0, show_default=True, help="How long nothing happens.")
@click.option("--quick", is_flag=True, help="One small round: to see whether it works.")
@_scenario
@_subject
@_compare
@_json
@_markdown
@click.pass_context
def main(
    context: click.Context,
    /,
    quick: bool,
    names: Sequence[str],
    keys: Sequence[str],
    compare: Sequence[str],
    json_file: Path | None,
    markdown_file: Path | None,
    **sizes: Any,
) -> None:
    """Measure operators on a local control plane: speed, CPU and memory."""
    if context.invoked_subcommand:
        return
    scenarios = [each for each in SCENARIOS if not names or each.name in names]
    plan = Plan(_contenders(keys, compare), scenarios, **sizes)
    if quick:
        plan = replace(plan, rounds=1, samples=10, namespaces=(300,), large=0)
        plan = replace(plan, many=100, seconds=10.0)
    _measure(plan, json_file, markdown_file)


@main.command()
@click.option("--rounds", default=2, show_default=True, type=_COUNT, help="How often.")
@click.option(
    "--namespaces",
    multiple=True,
    default=_SIZES,
    show_default=True,
    type=_COUNT,
    help="How many at once. Repeatable.",
)
@_subject
@_compare
@_json
@_markdown
def curves(
    rounds: int,
    namespaces: Sequence[int],
    keys: Sequence[str],
    compare: Sequence[str],
    json_file: Path | None,
    markdown_file: Path | None,
) -> None:
    """Measure what is drawn: cost against the number of namespaces, all at once."""
    picked = [each for each in _contenders(keys, compare) if not each.slow]
    at_once = [each for each in SCENARIOS if each.name == "at-once"]
    plan = Plan(picked, at_once, rounds, rounds, 1, namespaces, large=0, many=1, seconds=1.0)
    _measure(plan, json_file, markdown_file)


@main.command()
@click.argument("measured", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("picture", type=_FILE)
def plot(measured: Path, picture: Path) -> None:
    """Draw what `curves --json MEASURED` measured into PICTURE, an SVG."""
    series = read_series(json.loads(measured.read_text(encoding="utf-8")))
    if not any(series.values()):
        raise click.ClickException(f"{measured} holds no measurement of at-once")
    picture.write_text(draw(series), encoding="utf-8")


@main.command()
@click.option("--samples", default=15, show_default=True, type=_COUNT, help="Of each change.")
@click.option(
    "--hatches",
    default=3,
    show_default=True,
    type=_COUNT_OR_NONE,
    help="Of the hatch, a minute and more each.",
)
@click.option(
    "--namespaces",
    default=0,
    show_default=True,
    type=_COUNT_OR_NONE,
    help="How many others there are.",
)
@click.option(
    "--agent",
    "agents",
    multiple=True,
    type=click.Choice(list(CONFIGURATIONS)),
    help="Measure only with this configuration of Cilium. Repeatable.",
)
@_json
@_markdown
def datapath(
    samples: int,
    hatches: int,
    namespaces: int,
    agents: Sequence[str],
    json_file: Path | None,
    markdown_file: Path | None,
) -> None:
    """Measure from a label to a packet, on a node with Cilium's agent: Linux, root, clang."""
    found = {}
    for name in agents or CONFIGURATIONS:
        try:
            found[name] = measure(name, samples, hatches, namespaces)
        except (LoadError, LocalClusterError, SubjectError) as error:
            raise click.ClickException(str(error)) from error
        if json_file is not None:
            json_file.write_text(json.dumps(found), encoding="utf-8")
        Console(stderr=True).print(f"{name}: {len(found[name])} measured")
    text = table(found)
    click.echo(text, nl=False)
    if markdown_file is not None:
        markdown_file.write_text(text, encoding="utf-8")


@main.command()
@click.argument("name", metavar="SCENARIO", type=click.Choice(_ON_A_CLUSTER))
@click.option("--namespaces", default=500, show_default=True, type=_COUNT, help="How many.")
@click.option("--samples", default=50, show_default=True, type=_COUNT, help="Of each change.")
@click.option("--seconds", default=60.0, show_default=True, help="How long nothing happens.")
def profile(name: str, namespaces: int, samples: int, seconds: float) -> None:
    """Show where the operator's CPU time goes in SCENARIO, by package and function."""
    (scenario,) = (each for each in SCENARIOS if each.name == name)
    with tempfile.TemporaryDirectory(prefix="homelab-netpol-profile-") as folder:
        extent = Extent(namespaces, samples, seconds, learn(own()))
        scenario.measure(profiled(own(), Path(folder)), extent)
        for table in profiles(Path(folder)):
            show(table, Console(width=150))


def _measure(plan: Plan, json_file: Path | None, markdown_file: Path | None) -> None:
    # As Ctrl-C does: by default SIGTERM would leave the operator under test running.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    ours = [each.name for each in plan.contenders if each.ours]
    report = Report(Console(), Console(stderr=True), ours, markdown_file)
    try:
        complete = report.measure(plan, json_file)
    except (LoadError, SubjectError, LocalClusterError) as error:
        raise click.ClickException(str(error)) from error
    if not complete:
        raise click.ClickException("not everything could be measured: see above")


def _contenders(keys: Sequence[str], compare: Sequence[str]) -> list[Contender]:
    found = contenders()
    others = [_other_sources(text) for text in compare]
    places = [each.name for each in found]
    # Beside ours in the tables, and so in time.
    found[places.index(OURS) + 1 : places.index(OURS) + 1] = others
    try:
        return pick(found, [*keys, *(each.key for each in others)] if keys else ())
    except LookupError as error:
        raise click.UsageError(f"--subject: {error.args[0]}") from error


def _other_sources(text: str) -> Contender:
    name, found, folder = text.partition("=")
    if not found or not (Path(folder) / "homelab_netpol").is_dir():
        raise click.UsageError(f"--compare {text}: give NAME=DIR, where DIR holds homelab_netpol/")
    if name == BARE:
        raise click.UsageError(f"--compare {text}: that name is taken")
    return our(name, Path(folder).resolve())


if __name__ == "__main__":
    main()
