"""`homelab-netpol render`: the policies that the operator would write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from homelab_netpol.cli.options import InputOptions, config_option, input_options, output_option

if TYPE_CHECKING:
    from homelab_netpol.access.problems import InputProblem
    from homelab_netpol.manifests import ManifestSet
    from homelab_netpol.policy.desired import DesiredState
    from homelab_netpol.policy.objects import Policy

# As `policy.keys.Component` has them, which no `--help` should wait for.
_COMPONENTS = ("access", "baseline", "grant", "hatch", "ingress", "mesh", "profile")


@click.command(short_help="Show the policies that the operator would write.")
@input_options
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
    output_dir: Path | None,
    output: str,
) -> None:
    """Show the policies that the operator would write for Namespaces and custom resources.

    With -n, those of one Namespace, and the policies elsewhere that are the other ends of its
    grants. Nothing is written to a cluster.

    \b
      homelab-netpol render -f clusters/home/
      kustomize build apps | homelab-netpol render -f - -n photos -o table

    Exit status: 0; 1 when a label or a custom resource could not be followed as written, which
    standard error says with its place; 2 when the input or the settings cannot be used; 3 when the
    cluster could not be read, or only in part.
    """
    from homelab_netpol.access.problems import homes_not_given, input_problems
    from homelab_netpol.cilium.terms import CCNP, CNP
    from homelab_netpol.cli.inputs import desired_state_of, read_manifests, read_settings, remark
    from homelab_netpol.cli.output import print_yaml
    from homelab_netpol.cli.status import FOUND, INCOMPLETE, printable
    from homelab_netpol.manifests.kinds import FOR_RENDERING

    settings = read_settings(config)
    config_map = (settings.cilium.namespace, settings.cilium.config_map)
    # The policies that stand say what was in force before, since when a hatch is open, for one.
    manifests = read_manifests(inputs, (*FOR_RENDERING, CNP, CCNP), [config_map])
    state = desired_state_of(settings, manifests, _moment(at))
    problems = input_problems(manifests, state)
    for resource, home in homes_not_given(state).items():
        remark(f"{resource} is granted, and its Namespace {home} not given: its side is left out")
    policies = _chosen(state, inputs.namespace, components)
    for problem in problems:
        click.echo(f"Problem: {printable(str(problem))}", err=True)
    if output_dir is not None:
        _write_files(output_dir, policies)
    elif output == "yaml":
        print_yaml(_objects(policies), [f"Incomplete: {gap}" for gap in manifests.gaps])
    elif output == "json":
        _print_json(policies, manifests, problems)
    else:
        _print_table(policies)
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


def _chosen(state: DesiredState, namespace: str | None, components: Sequence[str]) -> list[Policy]:
    found = list(state.policies) if namespace is None else state.around(namespace)
    if namespace is not None and namespace not in state.intents:
        from homelab_netpol.cli.status import InputError

        raise InputError(f"-n {namespace}: there is no such Namespace in what is given")
    return [each for each in found if not components or each.component in components]


def _objects(policies: Sequence[Policy]) -> list[dict[str, Any]]:
    from homelab_netpol.policy.objects import as_object

    return [as_object(each) for each in policies]


def _print_json(
    policies: Sequence[Policy], manifests: ManifestSet, problems: Sequence[InputProblem]
) -> None:
    from homelab_netpol.cli.output import print_json

    made: Mapping[str, Any] = {
        "apiVersion": "v1",
        "kind": "List",
        "items": _objects(policies),
        "problems": [each.as_json() for each in problems],
        "incomplete": manifests.gaps,
    }
    print_json(made)


def _print_table(policies: Sequence[Policy]) -> None:
    from homelab_netpol.cli.output import print_table

    columns = ("NAMESPACE", "KIND", "NAME", "COMPONENT")
    rows = [
        (each.key.namespace, each.key.kind.value, each.key.name, each.component.value)
        for each in policies
    ]
    print_table(columns, rows)


def _write_files(folder: Path, policies: Sequence[Policy]) -> None:
    """Writes `NAMESPACE/KIND-NAME.yaml`; clusterwide ones at the top. All of them, or none."""
    import tempfile

    from homelab_netpol.cli.status import InputError
    from homelab_netpol.manifests.write import to_yaml

    try:
        if folder.exists() and any(folder.iterdir()):
            raise InputError(f"--output-dir {folder}: is not empty; name a new folder")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".render-") as made:
            root = Path(made, "whole")
            root.mkdir()
            for policy, manifest in zip(policies, _objects(policies), strict=True):
                place = root / policy.key.namespace
                place.mkdir(exist_ok=True)
                name = f"{policy.key.kind.value.lower()}-{policy.key.name}.yaml"
                place.joinpath(name).write_text(to_yaml([manifest]), encoding="utf-8")
            root.replace(folder)
    except OSError as error:
        raise InputError(f"--output-dir {folder}: {error.strerror}") from error
