"""`homelab-netpol doctor`: is everything there that the operator needs, and does it work?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from homelab_netpol.cli.complete_names import complete_namespaces
from homelab_netpol.cli.options import (
    ClusterOptions,
    cluster_options,
    config_option,
    output_option,
)

if TYPE_CHECKING:
    from homelab_netpol.cluster.client import Api
    from homelab_netpol.doctor import Installation, Report

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
    shell_complete=complete_namespaces,
    help="Where the operator runs. Without it, where its Deployment is found.",
)
@click.option(
    "--bundle",
    metavar="FILE.tar.gz",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write what a bug report needs into a new file, which only you may read: the answers,"
    " versions, settings, the operator's policies, Events and log, and Cilium's ConfigMap; never a"
    " Secret.",
)
@click.option(
    "--redact",
    is_flag=True,
    help="In the bundle, put stand-ins for names of Namespaces, pods, Services, nodes and hosts,"
    " and for addresses.",
)
@output_option("table", "json", "markdown")
def doctor(
    cluster: ClusterOptions,
    config: Path | None,
    operator_namespace: str | None,
    bundle: Path | None,
    redact: bool,
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
      homelab-netpol doctor --bundle report.tar.gz --redact

    Exit status: 0 when nothing is an error or a warning; 1 when something is; 2 when the command
    line or the settings cannot be used; 3 when the cluster could not be read, or only in part.
    """  # click's mark of a paragraph that is not wrapped is the character
    from homelab_netpol.cli.inputs import ask_cluster, read_settings
    from homelab_netpol.cli.output import print_json
    from homelab_netpol.cli.status import FOUND, INCOMPLETE, InputError
    from homelab_netpol.doctor import examine
    from homelab_netpol.doctor.reading import read_for_bundle, read_installation
    from homelab_netpol.doctor.result import report_data

    if redact and bundle is None:
        raise InputError("--redact is about the bundle: give --bundle FILE.tar.gz too")
    if bundle is not None and bundle.exists():
        raise InputError(f"{bundle} is there already; give the name of a new file")
    settings = read_settings(config) if config is not None else None

    async def read(api: Api) -> Installation:
        found = await read_installation(api, settings, operator_namespace)
        if bundle is not None:
            await read_for_bundle(found, api)
        return found

    found = ask_cluster(cluster, read)
    report = examine(found)
    if bundle is not None:
        _write(bundle, found, report, redact=redact)
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


def _write(path: Path, found: Installation, report: Report, *, redact: bool) -> None:
    from homelab_netpol.cli.inputs import remark
    from homelab_netpol.cli.status import InputError
    from homelab_netpol.cli.tarball import write_tarball
    from homelab_netpol.doctor.bundle import bundle_files

    try:
        write_tarball(path, bundle_files(found, report, redact=redact))
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}") from error
    advice = (
        "look through it" if redact else "it names what is in the cluster (--redact hides that)"
    )
    remark(f"{path} is written; before you pass it on, {advice}.")


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

    rows = [(str(each.status), each.check, each.where, each.text) for each in report.results]
    click.echo("\n\n".join([_summary(report), markdown_table(_COLUMNS, rows)]))
