"""`homelab-netpol local build|up|down|status`: a control plane on this machine to try things on."""

import dataclasses
import json

import click

from lab.control_plane import Lab, LocalClusterError, background
from lab.control_plane.background import Condition, Status

EXIT_DOWN = 3

_TRY = """\
Use it from any shell:

  export KUBECONFIG={kubeconfig}

  kubectl create namespace my-app
  kubectl label namespace my-app network-policy.homelab/profile=standard
  kubectl get ciliumnetworkpolicies -A

`homelab-netpol run` in such a shell runs the operator against it,
`homelab-netpol local down` ends it."""


@click.group(short_help="A real control plane on this machine, in the background.")
def local() -> None:
    """A local Kubernetes control plane with Cilium's CRDs, in the background.

    It is an API server with its store and controllers, but no node: policies can be written and
    read, pods never start. The first start builds it, which takes some minutes.
    """


@local.command()
def up() -> None:
    """Start it, unless it runs already."""
    try:
        found, started = background.up()
    except LocalClusterError as error:
        raise click.ClickException(str(error)) from error
    verb = "is up" if started else "is already up"
    versions = ", ".join(f"{name} {version}" for name, version in found.versions.items())
    click.echo(f"The control plane {verb} at {found.server} ({versions}).")
    click.echo(f"kubeconfig: {found.kubeconfig}\n")
    click.echo(_TRY.format(kubeconfig=found.kubeconfig))


@local.command(short_help="Build its programs, if that has not been done.")
def build() -> None:
    """Build its programs, if that has not been done: it takes minutes, and shows how far it is."""
    try:
        binary = Lab().binary
    except LocalClusterError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"The local control plane is built: {binary}")


@local.command()
def down() -> None:
    """End it, and remove its data."""
    try:
        ended = background.down()
    except LocalClusterError as error:
        raise click.ClickException(str(error)) from error
    click.echo("The control plane is down." if ended else "No control plane was running.")


@local.command()
@click.option(
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print it.",
)
@click.pass_context
def status(context: click.Context, output: str) -> None:
    """Say whether it runs. Exit status: 0 when it is up, 3 when it is not."""
    found = background.status()
    click.echo(_as_json(found) if output == "json" else _as_text(found))
    context.exit(0 if found.condition is Condition.UP else EXIT_DOWN)


def _as_json(found: Status) -> str:
    described = dataclasses.asdict(found.background) if found.background else {}
    document = {"condition": str(found.condition), "log": str(found.log), **described}
    return json.dumps(document, indent=2)


def _as_text(found: Status) -> str:
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
            lines.append("`homelab-netpol local up` starts it.")
        case Condition.CRASHED:
            lines.append(
                f"It ended by itself, see {found.log}. `homelab-netpol local up` starts anew."
            )
        case Condition.NOT_ANSWERING:
            lines.append(f"See {found.log}. `homelab-netpol local down` ends it.")
    return "\n".join(lines)
