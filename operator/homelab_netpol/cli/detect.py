"""`homelab-netpol detect`: the settings that fit a cluster."""

from __future__ import annotations

import click

from homelab_netpol.cli.options import InputOptions, input_options, output_option


@click.command(short_help="Write the settings that fit a cluster.")
@input_options()
@output_option("yaml", "json")
def detect(inputs: InputOptions, output: str) -> None:
    """Write the settings that fit a cluster, each line with its evidence in a comment.

    Looks for DNS, gateways, scrapers, databases and stores, the platform's Namespaces, the mesh and
    the networks. What is not certain is asked in a comment that begins with "# Check:". Only what
    differs from the defaults is written. The cluster is read, and never written to.

    \b
    Examples:
      homelab-netpol detect > netpol.yaml
      kubectl get ns,pods,services,nodes -A -o yaml | homelab-netpol detect -f -

    Exit status: 0; 2 when the input cannot be used; 3 when the cluster could not be read, or only
    in part: what is written is of that part, and says so.
    """  # click's mark of a paragraph that is not wrapped is the character
    from homelab_netpol.cli.inputs import remark
    from homelab_netpol.cli.output import print_json
    from homelab_netpol.cli.reading import read_all
    from homelab_netpol.cli.status import INCOMPLETE, InputError
    from homelab_netpol.detect import as_file
    from homelab_netpol.detect import detect as detected_in
    from homelab_netpol.detect.report import as_data
    from homelab_netpol.manifests import ManifestError

    manifests = read_all(inputs)
    try:
        found = detected_in(manifests)
    except ManifestError as error:
        raise InputError(str(error)) from error
    if output == "json":
        print_json(as_data(found))
    else:
        click.echo(as_file(found), nl=False)
    if found.checks:
        remark(f'questions to answer: {len(found.checks)}, in lines that begin with "# Check:"')
    if found.gaps:
        raise SystemExit(INCOMPLETE)
