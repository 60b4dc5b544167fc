"""`homelab-netpol scaffold platform`: a first policy for a platform namespace."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from homelab_netpol.cli.complete_names import complete_namespaces
from homelab_netpol.cli.options import InputOptions, config_option, input_options
from homelab_netpol.printable import printable

if TYPE_CHECKING:
    from homelab_netpol.access.cluster_model import ClusterModel


@click.group(short_help="Write a first version of what is then kept by hand.")
def scaffold() -> None:
    """Write a first version of what is then kept by hand.

    \b
    Example:
      homelab-netpol scaffold platform --help

    Exit status: that of the command below.
    """


@scaffold.command(short_help="Write a first policy for a platform namespace.")
@click.argument("namespace_name", metavar="NAMESPACE", shell_complete=complete_namespaces)
@input_options()
@config_option
@click.option("--name", default="platform", show_default=True, help="The policy's name.")
@click.option(
    "--selector",
    "-l",
    metavar="KEY=VALUE,...",
    default="",
    help="Only for pods with these labels. Without it, for all of the Namespace.",
)
@click.option(
    "--mesh/--no-mesh",
    default=None,
    help="The Namespace is in the mesh, or not. Without it, its labels say so.",
)
@click.option(
    "--offline", is_flag=True, help="Read nothing: ports are asked for in comments of the policy."
)
@click.pass_context
def platform(
    click_context: click.Context,
    namespace_name: str,
    inputs: InputOptions,
    config: Path | None,
    name: str,
    selector: str,
    mesh: bool | None,
    offline: bool,
) -> None:
    """Print a policy for a platform namespace, with all that each must have, to be kept by hand.

    Its ports are those that pods and Services of the Namespace declare. Comments say what each rule
    is for, and ask for what cannot be known. Nothing is written to a cluster.

    \b
    Examples:
      homelab-netpol scaffold platform database -f clusters/home > database.yaml
      homelab-netpol scaffold platform database -l app=postgres --name postgres
      homelab-netpol scaffold platform my-operators --offline

    Exit status: 0; 2 when the input or the settings cannot be used; 3 when the cluster could not be
    read, or only in part.
    """
    from homelab_netpol.cilium.terms import is_subdomain
    from homelab_netpol.cli.inputs import remark
    from homelab_netpol.cli.status import INCOMPLETE, InputError
    from homelab_netpol.platform_policies.scaffold import Scaffold
    from homelab_netpol.platform_policies.scaffold import scaffold as written

    for what, given in (("NAMESPACE", namespace_name), ("--name", name)):
        if not is_subdomain(given):
            raise InputError(f"{what}: {given!r} cannot be the name of an object in Kubernetes")
    labels = _labels(selector)
    model = _model(inputs, config, offline=offline)
    intent = model.desired.intents.get(namespace_name)
    if not offline and intent is None:
        remark(f"the Namespace {namespace_name} is not among what is given: no port is known")
    elif intent is not None and not intent.platform:
        key = model.desired.catalogue.vocabulary.platform_key
        remark(f"{namespace_name} is no platform namespace yet; label it {key}=true")
    meshed = mesh if mesh is not None else intent is not None and intent.meshed
    text = written(model, Scaffold(namespace_name, name, labels, meshed))
    click.echo(printable(text), nl=False)
    if model.manifests.gaps:
        click_context.exit(INCOMPLETE)


def _model(inputs: InputOptions, config: Path | None, *, offline: bool) -> ClusterModel:
    from homelab_netpol.access.cluster_model import ClusterModel
    from homelab_netpol.cli.inputs import desired_state_of, read_model, read_settings
    from homelab_netpol.manifests import ManifestSet

    if not offline:
        return read_model(inputs, config)
    if not inputs.from_cluster:
        raise click.UsageError("--offline reads nothing: leave -f and -k out, or --offline.")
    nothing = ManifestSet()
    return ClusterModel(nothing, desired_state_of(read_settings(config), nothing))


def _labels(selector: str) -> dict[str, str]:
    from homelab_netpol.cilium.terms import is_label_key, is_label_value
    from homelab_netpol.cli.status import InputError

    found: dict[str, str] = {}
    for each in filter(None, selector.split(",")):
        key, equals, value = each.partition("=")
        if not equals or not is_label_key(key) or not is_label_value(value):
            raise InputError(f"--selector: {each!r} is no label; write KEY=VALUE,KEY=VALUE")
        found[key] = value
    return found
