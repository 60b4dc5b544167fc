"""`homelab-netpol preflight`: what would be cut off if the operator were installed now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from homelab_netpol.cli.options import InputOptions, config_option, input_options, output_option

if TYPE_CHECKING:
    from homelab_netpol.preflight import Report

_COLUMNS = ("WHERE", "CHECK", "WHAT, AND WHAT TO DO")
_COLOURS = {"cut-off": "red", "warning": "yellow", "note": "cyan"}


@click.command(short_help="Show what installing the operator would cut off.")
@input_options()
@config_option
@output_option("table", "json", "markdown")
def preflight(inputs: InputOptions, config: Path | None, output: str) -> None:
    """Show what would be cut off if the operator were installed now, with these settings.

    Namespaces without a profile that default deny would close, Services and routes that a profile
    denies, names that are taken, rules by DNS name that live on another's DNS rule, policies that
    widen profiles, Cilium's settings, gateways, DNS and scrapers that are not there. The cluster is
    read, and never written to.

    \b
    Examples:
      homelab-netpol preflight --config netpol.yaml
      homelab-netpol preflight --config netpol.yaml -f dump.yaml -o markdown

    Exit status: 0 when nothing would be cut off; 1 when something would; 2 when the input or the
    settings cannot be used; 3 when the cluster could not be read, or only in part.
    """  # click's mark of a paragraph that is not wrapped is the character
    from datetime import UTC, datetime

    from homelab_netpol.cilium.terms import POLICY_KINDS
    from homelab_netpol.cli.inputs import read_settings
    from homelab_netpol.cli.output import print_json
    from homelab_netpol.cli.reading import read_all
    from homelab_netpol.cli.status import FOUND, INCOMPLETE, InputError
    from homelab_netpol.manifests import ManifestError, kinds
    from homelab_netpol.policy.rendering import RenderError
    from homelab_netpol.preflight import preflight as report_on

    settings = read_settings(config)
    where = settings.cilium
    manifests = read_all(
        inputs,
        (*POLICY_KINDS, kinds.NETWORK_PROFILE, kinds.SHARED_RESOURCE),
        [(where.namespace, where.config_map)],
    )
    try:
        report = report_on(settings, manifests, datetime.now(UTC))
    except (ManifestError, RenderError) as error:
        raise InputError(str(error)) from error
    if output == "json":
        print_json(_data(report))
    elif output == "markdown":
        _print_markdown(report)
    else:
        _print_tables(report)
    if report.gaps:
        raise SystemExit(INCOMPLETE)
    if report.cuts_off:
        raise SystemExit(FOUND)


def _data(report: Report) -> dict[str, Any]:
    return {
        "cutsOff": report.cuts_off,
        "problems": [
            {
                "severity": str(each.severity),
                "check": each.check,
                "where": each.where,
                "message": each.message,
                "remedy": each.remedy,
            }
            for each in report.problems
        ],
        "incomplete": list(report.gaps),
    }


def _summary(report: Report) -> str:
    if report.cuts_off:
        return "Something would be cut off."
    if report.gaps:
        return "Nothing would be cut off, as far as it was read."
    return "Nothing would be cut off."


def _print_tables(report: Report) -> None:
    from rich.markup import escape

    from homelab_netpol.cli.output import print_table
    from homelab_netpol.detect.written import clean
    from homelab_netpol.preflight.problem import TITLES

    for severity, title in TITLES.items():
        rows = [
            tuple(escape(clean(text)) for text in (each.where, each.check, each.text))
            for each in report.of(severity)
        ]
        if rows:
            print_table(_COLUMNS, rows, title=f"[{_COLOURS[severity]}]{title}[/]")
    click.echo(_summary(report))


def _print_markdown(report: Report) -> None:
    from homelab_netpol.cli.output import markdown_table
    from homelab_netpol.detect.written import clean
    from homelab_netpol.preflight.problem import TITLES

    parts = [_summary(report)]
    parts += [f"Not read: {clean(gap)}" for gap in report.gaps]
    for severity, title in TITLES.items():
        rows = [
            tuple(clean(text) for text in (each.where, each.check, each.text))
            for each in report.of(severity)
        ]
        if rows:
            parts += [f"### {title}", markdown_table(_COLUMNS, rows)]
    click.echo("\n\n".join(parts))
