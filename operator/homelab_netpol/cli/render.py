"""`homelab-netpol render`: the policies that the operator would write."""

from __future__ import annotations

from pathlib import Path

import click

from homelab_netpol.cli.options import InputOptions, config_option, input_options, output_option


@click.command(short_help="Show the policies that the operator would write.")
@input_options
@config_option
@output_option("yaml", "json", "table")
def render(inputs: InputOptions, config: Path | None, output: str) -> None:
    """Show the policies that the operator would write for Namespaces and custom resources.

    Nothing is written to a cluster.

    \b
    Example:
      homelab-netpol render -f clusters/home

    Exit status: 0; 2 when the input or the settings cannot be used; 3 when the cluster could not be
    read, or only in part.
    """
    from homelab_netpol.cli.inputs import desired_state_of, read_manifests, read_settings
    from homelab_netpol.cli.output import print_json, print_table, print_yaml
    from homelab_netpol.cluster.manifests import FOR_RENDERING

    settings = read_settings(config)
    manifests = read_manifests(inputs, FOR_RENDERING)
    state = desired_state_of(settings, manifests)
    objects = [
        each
        for each in state.objects
        if inputs.namespace in (None, each["metadata"].get("namespace", ""))
    ]
    if output == "json":
        print_json({"apiVersion": "v1", "kind": "List", "items": objects})
    elif output == "yaml":
        print_yaml(objects)
    else:
        rows = [
            (each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"])
            for each in objects
        ]
        print_table(("KIND", "NAMESPACE", "NAME"), rows)
