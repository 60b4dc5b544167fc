"""`homelab-netpol doctor`: is everything there that the operator needs, and does it work?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from homelab_netpol.cli.options import (
    ClusterOptions,
    cluster_options,
    config_option,
    output_option,
)

if TYPE_CHECKING:
    from homelab_netpol.doctor import Report

_COLUMNS = ("STATUS", "CHECK", "WHERE", "WHAT, AND WHAT TO DO")
_COLOURS = {
    "error": "red",
    "warning": "yellow",
    "unknown": "magenta",
    "note": "cyan",
    "ok": "green",
}


@click.command(short_help="Check the operator, Cilium and what both need in a cluster.")
@cluster_options
@config_option
@click.option(
    "--operator-namespace",
    metavar="NAMESPACE",
    help="Where the operator runs. Without it, where its Deployment is found.",
)
@output_option("table", "json", "markdown")
def doctor(
    cluster: ClusterOptions,
    config: Path | None,
    operator_namespace: str | None,
    output: str,
) -> None:
    """Check the operator, Cilium and what both need in a cluster, each with what to do.

    The API server and its version, Cilium's agents, the custom resources, rights, the operator's
    pods and settings, the leader, clocks, policies that are missing, changed or rejected, open
    hatches, and the settings of Cilium's that matter. The cluster is read, and never written to.
    Without --config, the settings are those of the operator's own ConfigMap.

    \b
    Examples:
      homelab-netpol doctor
      homelab-netpol doctor --context home -o json

    Exit status: 0 when nothing is an error or a warning; 1 when something is; 2 when the command
    line or the settings cannot be used; 3 when the cluster could not be read, or only in part.
    """  # click's mark of a paragraph that is not wrapped is the character
    from homelab_netpol.cli.inputs import ask_cluster, read_settings
    from homelab_netpol.cli.output import print_json
    from homelab_netpol.cli.status import FOUND, INCOMPLETE
    from homelab_netpol.doctor import examine
    from homelab_netpol.doctor.reading import read_installation
    from homelab_netpol.doctor.result import report_data

    settings = read_settings(config) if config is not None else None
    found = ask_cluster(cluster, lambda api: read_installation(api, settings, operator_namespace))
    report = examine(found)
    if output == "json":
        print_json(report_data(report))
    elif output == "markdown":
        _print_markdown(report)
    else:
        _print_table(report)
    if report.gaps:
        raise SystemExit(INCOMPLETE)
    if not report.healthy:
        raise SystemExit(FOUND)


def _summary(report: Report) -> str:
    said = "Nothing is wrong" if report.healthy else "Something is wrong"
    return f"{said}, as far as it could be read." if report.gaps else f"{said}."


def _print_table(report: Report) -> None:
    from homelab_netpol.cli.output import as_cell, print_table

    rows = [
        (
            f"[{_COLOURS[each.status]}]{each.status}[/]",
            *map(as_cell, (each.check, each.where, each.text)),
        )
        for each in report.results
    ]
    print_table(_COLUMNS, rows)
    click.echo(_summary(report))


def _print_markdown(report: Report) -> None:
    from homelab_netpol.cli.output import markdown_table
    from homelab_netpol.printable import printable

    rows = [
        tuple(
            printable(text).replace("<", "&lt;")
            for text in (str(each.status), each.check, each.where, each.text)
        )
        for each in report.results
    ]
    click.echo("\n\n".join([_summary(report), markdown_table(_COLUMNS, rows)]))
