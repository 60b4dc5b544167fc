"""`python -m lab demo`: what the operator does, on one screen, on a real API server."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Never

import click

_INTERRUPTED, _TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGTERM
_FILE = click.Path(dir_okay=False, path_type=Path)


class _Terminated(BaseException):
    """SIGTERM came: everything is removed on the way out, as after Ctrl-C."""


@click.command(short_help="Show what the operator does, on a real API server.")
@click.option(
    "--once", is_flag=True, help="Show everything and end. This is the default without a terminal."
)
@click.option(
    "--datapath",
    is_flag=True,
    help="Send real packets by a real cilium-agent, and end; needs Linux, root and clang. Takes no"
    " other option than --log.",
)
@click.option("--svg", type=_FILE, help="Also write the screen as a picture to this file.")
@click.option("--log", type=_FILE, help="Keep the operator's log in this file.")
@click.option("--config", type=_FILE, help="A settings file for the operator.")
@click.option(
    "--kubeconfig",
    type=_FILE,
    help="Use this cluster instead of starting one; needs --context and --yes. Default deny applies"
    " to the demo's own namespaces only, unless --config says otherwise.",
)
@click.option("--context", help="The context of the kubeconfig.")
@click.option(
    "--yes", is_flag=True, help="Confirm that the cluster of --kubeconfig may be changed."
)
@click.pass_context
def demo(
    command: click.Context,
    once: bool,
    datapath: bool,
    svg: Path | None,
    log: Path | None,
    config: Path | None,
    kubeconfig: Path | None,
    context: str | None,
    yes: bool,
) -> None:
    """Show labels on the namespaces of a small homelab become Cilium policies.

    Starts an API server with Cilium's CRDs and the operator, creates and labels some Namespaces,
    and prints which policies follow and which connections Cilium's own policy engine allows. The
    first run builds the programs, which takes some minutes. In a terminal it stays up to try things
    on. Ctrl-C stops it and removes everything.

    With --datapath a pod's connection to its database is dropped, `diagnose` names the label, and
    with it the connection passes; then the same of taking it away, and of the escape hatch.

    Exit status: 0 when everything is as expected, 1 when something is not.
    """
    existing = _existing_cluster(kubeconfig, context, yes)
    if datapath and (svg or config or existing):
        raise click.UsageError(
            "--datapath starts a control plane of its own, with the operator's default settings,"
            " and draws no picture: leave out --svg, --config and --kubeconfig"
        )
    # Here, so that --help does not wait for them.
    from rich.console import Console

    from homelab_netpol.settings import SettingsError
    from lab.control_plane import LocalClusterError
    from lab.demo.errors import DemoError
    from lab.demo.session import Options, Session

    signal.signal(signal.SIGTERM, _on_sigterm)
    options = Options(once or not sys.stdout.isatty(), svg, log, config, existing)
    output = Console(highlight=False)
    notes = Console(stderr=True, highlight=False)
    try:
        if datapath:
            from lab.demo.datapath.session import run

            run(log, output, notes)
            as_expected = True
        else:
            as_expected = Session(options, output, notes).run()
    except (DemoError, LocalClusterError, SettingsError) as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        command.exit(_INTERRUPTED)
    except _Terminated:
        command.exit(_TERMINATED)
    command.exit(0 if as_expected else 1)


def _existing_cluster(
    kubeconfig: Path | None, context: str | None, yes: bool
) -> tuple[Path, str] | None:
    if kubeconfig is None and context is None and not yes:
        return None
    if kubeconfig is None or context is None:
        raise click.UsageError(
            "an existing cluster is used only if it is named in full: give both --kubeconfig and"
            " --context, or neither to have a cluster started for the demo"
        )
    if not yes:
        raise click.UsageError(
            "while the demo runs, its operator works on the whole cluster: its baselines deny what"
            " they do not allow in every namespace that is not a platform namespace. Add --yes if"
            f" {context} is a cluster to play with"
        )
    return kubeconfig, context


def _on_sigterm(number: int, frame: FrameType | None) -> Never:
    raise _Terminated
