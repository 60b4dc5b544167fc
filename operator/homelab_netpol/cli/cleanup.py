"""`homelab-netpol cleanup`: removes what the operator manages, before it is uninstalled."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import click

from homelab_netpol.cleanup.report import as_json, as_text
from homelab_netpol.cleanup.run import clean_up
from homelab_netpol.cluster.connection import ClusterAccess, ConnectionFailed
from homelab_netpol.cluster.errors import ApiError
from homelab_netpol.settings import SettingsError, load_settings

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(short_help="Remove what the operator manages, nothing else; a dry run first.")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="The settings that the operator ran with; without it, the defaults.",
)
@click.option(
    "--kubeconfig",
    type=_FILE,
    help="Which cluster; without it, KUBECONFIG, ~/.kube/config, or the Pod's service account.",
)
@click.option("--context", help="A context of the kubeconfig; without it, the current one.")
@click.option("--yes", is_flag=True, help="Remove it. Without this nothing is changed.")
@click.option(
    "--settle",
    type=click.FloatRange(0, 600),
    default=5.0,
    show_default=True,
    metavar="SECONDS",
    help="How long every node may take to learn that nothing of ours denies any more.",
)
@click.option(
    "--output",
    "-o",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print what was found and done. How far it is goes to standard error.",
)
@click.pass_context
def cleanup(
    click_context: click.Context,
    config: Path | None,
    kubeconfig: Path | None,
    context: str | None,
    yes: bool,
    settle: float,
    output: str,
) -> None:
    """Remove exactly what the operator manages; without --yes only list it.

    First nothing of the operator's denies any more, then all of it is deleted: no connection that
    is allowed before and afterwards is cut on the way. Policies of others are never touched. While
    an operator is at work it refuses, as that would write everything again. It can be stopped at
    any time and run again.

    Exit status: 0 when nothing managed is left, and after a dry run; 1 when something stayed, when
    it refused, or when the cluster could not be read; 2 when it was called wrongly.
    """
    try:
        settings = load_settings(config)
    except SettingsError as error:
        raise click.UsageError(str(error)) from error
    # What goes wrong is in the result; the client's own log says it again.
    logging.getLogger("homelab_netpol").setLevel(logging.ERROR)
    access = ClusterAccess(kubeconfig, context)
    try:
        result = asyncio.run(
            clean_up(access, settings, dry_run=not yes, settle=settle, progress=_progress)
        )
    except (ConnectionFailed, ApiError) as error:
        raise click.ClickException(f"{error}. Nothing was changed.") from error
    click.echo(as_json(result) if output == "json" else as_text(result))
    click_context.exit(result.status)


def _progress(words: str) -> None:
    click.echo(f"{words} ...", err=True)
