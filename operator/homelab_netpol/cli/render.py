"""`homelab-netpol render`: the policies that the operator would write."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from homelab_netpol.cli.options import InputOptions, config_option, input_options, output_option

if TYPE_CHECKING:
    from homelab_netpol.access.problems import InputProblem
    from homelab_netpol.cilium.terms import IpNetwork
    from homelab_netpol.export import Addresses, Exported, ExportedObject
    from homelab_netpol.manifests import ManifestSet
    from homelab_netpol.policy.desired import DesiredState

# As `policy.keys.Component` has them, which no `--help` should wait for.
_COMPONENTS = ("access", "baseline", "grant", "hatch", "ingress", "mesh", "profile")


@click.command(short_help="Show the policies that the operator would write.")
@input_options(one_namespace=True)
@config_option
@click.option(
    "--component",
    "components",
    multiple=True,
    type=click.Choice(_COMPONENTS),
    help="Only these policies. May be given more than once.",
)
@click.option(
    "--at",
    metavar="TIME",
    help="Render as of a time (RFC 3339), by which hatches open and close. Without it, now.",
)
@click.option(
    "--as",
    "kind",
    type=click.Choice(("cilium", "networkpolicy", "calico")),
    default="cilium",
    show_default=True,
    help="For a cluster without Cilium: Kubernetes' NetworkPolicies, or Calico's own kinds. What"
    " these cannot say is left out, so that less is allowed, and listed.",
)
@click.option(
    "--cluster-cidr",
    "cluster_cidrs",
    multiple=True,
    metavar="CIDR",
    help="With --as: a network of pods, Services or nodes. Without them, no rule on addresses, such"
    " as the internet, can be said. May be given more than once.",
)
@click.option(
    "--api-server",
    "api_servers",
    multiple=True,
    metavar="ADDRESS",
    help="With --as: an address of the API server. May be given more than once.",
)
@click.option("--strict", is_flag=True, help="With --as: refuse what would allow less.")
@click.option(
    "--output-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write a file a policy into this folder, which must be empty or not there yet.",
)
@output_option("yaml", "json", "table")
def render(
    inputs: InputOptions,
    config: Path | None,
    components: tuple[str, ...],
    at: str | None,
    kind: str,
    cluster_cidrs: tuple[str, ...],
    api_servers: tuple[str, ...],
    strict: bool,
    output_dir: Path | None,
    output: str,
) -> None:
    """Show the policies that the operator would write for Namespaces and custom resources.

    With -n, those of one Namespace, and the policies elsewhere that are the other ends of its
    grants. Nothing is written to a cluster.

    \b
      homelab-netpol render -f clusters/home/
      kustomize build apps | homelab-netpol render -f - -n photos -o table
      homelab-netpol render -f clusters/home/ --as networkpolicy --cluster-cidr 10.42.0.0/16

    Exit status: 0; 1 when a label or a custom resource could not be followed as written, which
    standard error says with its place, or with --strict not be said; 2 when the input or the
    settings cannot be used; 3 when the cluster could not be read, or only in part.
    """
    from homelab_netpol.access.problems import homes_not_given, input_problems
    from homelab_netpol.cilium.terms import CCNP, CNP
    from homelab_netpol.cli.inputs import desired_state_of, read_manifests, read_settings, remark
    from homelab_netpol.cli.output import print_yaml
    from homelab_netpol.cli.status import FOUND, INCOMPLETE, InputError
    from homelab_netpol.manifests.kinds import FOR_RENDERING
    from homelab_netpol.printable import printable

    settings = read_settings(config)
    config_map = (settings.cilium.namespace, settings.cilium.config_map)
    # The policies that stand say what was in force before, since when a hatch is open, for one.
    manifests = read_manifests(inputs, (*FOR_RENDERING, CNP, CCNP), [config_map])
    state = desired_state_of(settings, manifests, _moment(at))
    if inputs.namespace is not None and inputs.namespace not in state.intents:
        raise InputError(f"-n {inputs.namespace}: there is no such Namespace in what is given")
    problems = input_problems(manifests, state)
    for resource, home in homes_not_given(state).items():
        remark(f"{resource} is granted, and its Namespace {home} not given: its side is left out")
    addresses = None if kind == "cilium" else _addresses(state, cluster_cidrs, api_servers)
    rendered = _rendered(state, kind, addresses)
    kept = [each for each in rendered.objects if _is_wanted(each, state, inputs, components)]
    for problem in problems:
        click.echo(f"Problem: {printable(str(problem))}", err=True)
    for unsaid in rendered.unsaid:
        remark(f"not said by {kind}: {unsaid} ({unsaid.effect})")
    if strict and rendered.is_narrower:
        raise SystemExit(FOUND)
    if output_dir is not None:
        # Files would look whole, and be applied.
        if not manifests.gaps:
            _write_files(output_dir, kept)
    elif output == "yaml":
        comments = [f"Incomplete: {gap}" for gap in manifests.gaps]
        comments += [f"Not said ({each.effect}): {each}" for each in rendered.unsaid]
        print_yaml([each.manifest for each in kept], comments)
    elif output == "json":
        _print_json(kept, rendered, manifests, problems)
    else:
        _print_table(kept)
    if manifests.gaps:
        raise SystemExit(INCOMPLETE)
    if problems:
        raise SystemExit(FOUND)


def _moment(at: str | None) -> Any:
    from homelab_netpol.intent import parse_moment

    if at is None:
        return None
    found = parse_moment(at)
    if found is None:
        raise click.BadParameter(
            f"{at!r} is no time such as 2026-01-31T18:00:00Z", param_hint="--at"
        )
    return found


def _addresses(
    state: DesiredState, cluster: Sequence[str], api_servers: Sequence[str]
) -> Addresses:
    from homelab_netpol.export import Addresses

    catalogue = state.catalogue
    return Addresses(
        _networks("--cluster-cidr", cluster),
        _networks("--api-server", api_servers),
        catalogue.identity_labels,
        catalogue.own_cluster.name,
    )


def _networks(option: str, texts: Sequence[str]) -> tuple[IpNetwork, ...]:
    import ipaddress

    try:
        return tuple(ipaddress.ip_network(text) for text in texts)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from error


def _rendered(state: DesiredState, kind: str, addresses: Addresses | None) -> Exported:
    from homelab_netpol.cli.status import InputError
    from homelab_netpol.export import (
        Exported,
        ExportedObject,
        ExportError,
        calico_policies,
        network_policies,
    )
    from homelab_netpol.policy.objects import as_object

    if addresses is None:
        return Exported([ExportedObject(as_object(each), each) for each in state.policies], [])
    export = calico_policies if kind == "calico" else network_policies
    try:
        return export(state.policies, state.namespaces, addresses)
    except ExportError as error:
        raise InputError(f"--as {kind}: {error}; it would allow more than Cilium does") from error


def _is_wanted(
    made: ExportedObject, state: DesiredState, inputs: InputOptions, components: Sequence[str]
) -> bool:
    if components and made.origin.component not in components:
        return False
    name = inputs.namespace
    return name is None or made.namespace == name or state.is_around(made.origin, name)


def _print_json(
    made: Sequence[ExportedObject],
    rendered: Exported,
    manifests: ManifestSet,
    problems: Sequence[InputProblem],
) -> None:
    from homelab_netpol.cli.output import print_json

    print_json(
        {
            "apiVersion": "v1",
            "kind": "List",
            "items": [each.manifest for each in made],
            "problems": [each.as_json() for each in problems],
            "notSaid": [each.as_json() for each in rendered.unsaid],
            "incomplete": manifests.gaps,
        }
    )


def _print_table(made: Sequence[ExportedObject]) -> None:
    from homelab_netpol.cli.output import print_table

    columns = ("NAMESPACE", "KIND", "NAME", "COMPONENT")
    rows = [
        (
            each.namespace,
            each.manifest["kind"],
            each.manifest["metadata"]["name"],
            each.origin.component.value,
        )
        for each in made
    ]
    print_table(columns, rows)


def _write_files(folder: Path, made: Sequence[ExportedObject]) -> None:
    """Writes `NAMESPACE/KIND-NAME.yaml`; clusterwide ones at the top. All of them, or none."""
    import tempfile

    from homelab_netpol.cli.status import InputError
    from homelab_netpol.manifests.write import to_yaml

    try:
        if folder.exists() and any(folder.iterdir()):
            raise InputError(f"--output-dir {folder}: is not empty; name a new folder")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".render-") as temporary:
            root = Path(temporary, "whole")
            root.mkdir()
            for each in made:
                place = root / each.namespace
                place.mkdir(exist_ok=True)
                name = f"{each.manifest['kind'].lower()}-{each.manifest['metadata']['name']}.yaml"
                place.joinpath(name).write_text(to_yaml([each.manifest]), encoding="utf-8")
            root.replace(folder)
    except OSError as error:
        raise InputError(f"--output-dir {folder}: {error.strerror}") from error
