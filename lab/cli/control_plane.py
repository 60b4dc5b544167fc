"""`python -m lab build|up|down|status`: a control plane in the background, to try things on."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from lab.control_plane.background import Status

EXIT_NOT_UP = 3

_TRY = """\
Use it from any shell:

  export KUBECONFIG={kubeconfig}

  kubectl create namespace my-app
  kubectl label namespace my-app network-policy.homelab/profile=standard
  kubectl get ciliumnetworkpolicies -A

`python -m homelab_netpol run` in such a shell runs the operator against it,
`python -m lab down` stops it."""


@click.command(short_help="Build the programs, unless they are built.")
def build() -> None:
    """Build the programs, unless they are built. The first time takes some minutes."""
    from lab.control_plane import Lab, LocalClusterError

    try:
        binary = Lab().binary
    except LocalClusterError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"The local control plane is built: {binary}")


@click.command()
def up() -> None:
    """Start a control plane in the background, unless it is up."""
    from lab.control_plane import LocalClusterError, background

    try:
        found, started = background.up()
    except LocalClusterError as error:
        raise click.ClickException(str(error)) from error
    verb = "is up" if started else "is already up"
    versions = ", ".join(f"{name} {version}" for name, version in found.versions.items())
    click.echo(f"The control plane {verb} at {found.server} ({versions}).")
    click.echo(f"kubeconfig: {found.kubeconfig}\n")
    click.echo(_TRY.format(kubeconfig=found.kubeconfig))


@click.command()
def down() -> None:
    """Stop the control plane in the background, and remove its data."""
    from lab.control_plane import LocalClusterError, background

    try:
        ended = background.down()
    except LocalClusterError as error:
        raise click.ClickException(str(error)) from error
    click.echo("The control plane is down." if ended else "No control plane was running.")


@click.command(short_help="Print whether it is up, and where.")
@click.option(
    "--output",
    "-o",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Format of the output.",
)
@click.pass_context
def status(context: click.Context, output: str) -> None:
    """Print whether the control plane in the background is up, and where.

    Exit status: 0 when it is up, 3 when it is not.
    """
    from lab.control_plane import background

    found = background.status()
    click.echo(_as_json(found) if output == "json" else _as_text(found))
    context.exit(0 if found.condition is background.Condition.UP else EXIT_NOT_UP)


def _as_json(found: Status) -> str:
    described = dataclasses.asdict(found.background) if found.background else {}
    document = {"condition": str(found.condition), "log": str(found.log), **described}
    return json.dumps(document, indent=2)


def _as_text(found: Status) -> str:
    from lab.control_plane.background import Condition

    lines = [f"condition:   {found.condition}"]
    if found.background:
        lines += [
            f"server:      {found.background.server}",
            f"kubeconfig:  {found.background.kubeconfig}",
            f"since:       {found.background.started}",
            f"pid:         {found.background.pid}",
        ]
    match found.condition:
        case Condition.DOWN:
            lines.append("`python -m lab up` starts it.")
        case Condition.CRASHED:
            lines.append(
                f"It ended by itself, see {found.log}. `python -m lab up` starts it again."
            )
        case Condition.NOT_ANSWERING:
            lines.append(f"See {found.log}. `python -m lab down` stops it.")
    return "\n".join(lines)
