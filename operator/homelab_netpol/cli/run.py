"""`homelab-netpol run`: the operator itself."""

from __future__ import annotations

from pathlib import Path

import click

_FILE = click.Path(dir_okay=False, path_type=Path)
_FILE_OR_FOLDER = click.Path(path_type=Path)


@click.command(short_help="Run the operator, until it is stopped.")
@click.option(
    "--config",
    type=_FILE_OR_FOLDER,
    help="A settings file, or a folder whose *.yaml are joined. Without it, the defaults.",
)
@click.option(
    "--kubeconfig",
    type=_FILE,
    help="Which cluster. Without it, KUBECONFIG, ~/.kube/config, or the Pod's service account.",
)
@click.option("--context", help="A context of the kubeconfig. Without it, the current one.")
def run(config: Path | None, kubeconfig: Path | None, context: str | None) -> None:
    """Run the operator: it watches Namespaces and keeps their policies up to date.

    SIGTERM and Ctrl-C stop it. Policies stay in the cluster when it stops.

    \b
    Example:
      homelab-netpol run --config settings.yaml

    Exit status: 0 when it was stopped; 1 when it could not start, or could not go on; 2 when the
    command line is wrong.
    """
    # Here, so that --help does not wait for them.
    import asyncio
    import contextlib
    import logging

    import kopf
    import uvloop

    from homelab_netpol.cluster.connection import ClusterAccess, ConnectionFailed
    from homelab_netpol.cluster.lease import LeadershipLost
    from homelab_netpol.policy.catalogue import Catalogue
    from homelab_netpol.policy.check_templates import check_templates
    from homelab_netpol.policy.rendering import RenderError
    from homelab_netpol.runtime import run_operator
    from homelab_netpol.settings import SettingsError, load_settings, remarks
    from homelab_netpol.telemetry.logs import set_up_logging
    from homelab_netpol.watch.kopf_watch import WatchBehind
    from homelab_netpol.watch.reflector import HistoryWentBack

    try:
        settings = load_settings(config)
        access = ClusterAccess(kubeconfig, context)
        catalogue = Catalogue(settings, own_namespace=access.own_namespace)
        check_templates(catalogue)
    except (SettingsError, RenderError) as error:
        raise click.ClickException(str(error)) from error

    try:
        # The log is closed before the error is printed, so that the error is the last line.
        with (
            contextlib.closing(set_up_logging(settings.logging)),
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            for remark in remarks(settings):
                logging.getLogger(__name__).warning("Settings: %s", remark)
            runner.run(run_operator(catalogue, access))
    except kopf.LoginError as error:
        raise click.ClickException(
            "The API server no longer accepts the credentials, and reading them again gave no"
            f" others: {error}"
        ) from error
    except (ConnectionFailed, HistoryWentBack, LeadershipLost, WatchBehind, OSError) as error:
        raise click.ClickException(str(error)) from error
