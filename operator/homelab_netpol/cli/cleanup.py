"""`homelab-netpol cleanup`: removes what the operator manages, before it is uninstalled."""

from __future__ import annotations

from pathlib import Path

import click

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(short_help="List or remove what the operator manages, before it is uninstalled.")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="The settings that the operator ran with. Without it, the defaults.",
)
@click.option(
    "--kubeconfig",
    type=_FILE,
    help="Which cluster. Without it, KUBECONFIG, ~/.kube/config, or the Pod's service account.",
)
@click.option("--context", help="A context of the kubeconfig. Without it, the current one.")
@click.option("--yes", is_flag=True, help="Remove it. Without this, nothing is changed.")
@click.option(
    "--settle",
    type=click.FloatRange(0, 600),
    default=5.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait between switching default deny off and deleting the policies, so that"
    " every node has seen the first.",
)
@click.option(
    "--output",
    "-o",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Format of the result. Progress goes to standard error.",
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
    """List what the operator manages; with --yes, remove exactly that.

    Policies of others are never touched. First default deny is switched off in all managed
    policies, then they are deleted: a connection that is allowed before and afterwards is not
    interrupted in between. The command refuses while an operator is running, which would write
    everything again. It can be stopped at any time and run again.

    \b
    Examples:
      homelab-netpol cleanup
      homelab-netpol cleanup --yes --config settings.yaml

    Exit status: 0 when nothing managed is left, and after a dry run; 1 when something is left,
    when it refused, or when the cluster could not be read; 2 when the command line or the settings
    are wrong.
    """
    # Here, so that --help does not wait for them.
    import asyncio
    import logging

    from homelab_netpol.cleanup.report import as_json, as_text
    from homelab_netpol.cleanup.run import clean_up
    from homelab_netpol.cluster.connection import ClusterAccess, ConnectionFailed
    from homelab_netpol.cluster.errors import ApiError
    from homelab_netpol.settings import SettingsError, load_settings

    try:
        settings = load_settings(config)
    except SettingsError as error:
        raise click.UsageError(str(error)) from error
    # The result says what went wrong; the client's own log would only repeat it.
    logging.getLogger("homelab_netpol").setLevel(logging.ERROR)
    access = ClusterAccess(kubeconfig, context)
    try:
        result = asyncio.run(
            clean_up(access, settings, dry_run=not yes, settle=settle, progress=_print_progress)
        )
    except (ConnectionFailed, ApiError) as error:
        raise click.ClickException(f"{error}. Nothing was changed.") from error
    click.echo(as_json(result) if output == "json" else as_text(result))
    click_context.exit(result.status)


def _print_progress(step: str) -> None:
    click.echo(f"{step} ...", err=True)
