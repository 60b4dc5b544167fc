"""`homelab-netpol version`: which versions are here, and in a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from homelab_netpol import __version__
from homelab_netpol.cli.options import (
    ClusterOptions,
    cluster_options,
    config_option,
    output_option,
)
from homelab_netpol.printable import printable

if TYPE_CHECKING:
    from homelab_netpol.cluster.versions import ClusterVersions, RunningImage


@click.command(short_help="Show this program's version, and what a cluster runs.")
@click.option(
    "--cluster",
    "ask",
    is_flag=True,
    help="Also what the cluster runs: Kubernetes, the operator, Cilium, and the kinds of policies"
    " and custom resources that it serves.",
)
@cluster_options
@config_option
@output_option("text", "json")
@click.pass_context
def version(
    click_context: click.Context,
    cluster: ClusterOptions,
    config: Path | None,
    ask: bool,
    output: str,
) -> None:
    """Show this program's version and, with --cluster, what the cluster runs.

    \b
    Examples:
      homelab-netpol version
      homelab-netpol version --cluster -o json

    Exit status: 0; 2 when the command line or the settings are wrong; 3 when the cluster could not
    be read, or only in part.
    """
    import platform

    from homelab_netpol.cli.inputs import ask_cluster, read_settings, remark
    from homelab_netpol.cli.status import INCOMPLETE

    here = {"homelab-netpol": __version__, "python": platform.python_version()}
    if not ask:
        _print(here, None, output)
        return
    from homelab_netpol.cluster.versions import read_versions

    cilium = read_settings(config).cilium
    found = ask_cluster(
        cluster, lambda api: read_versions(api, cilium.namespace, cilium.agent_labels)
    )
    _print(here, found, output)
    for gap in found.gaps:
        remark(gap)
    if found.gaps:
        click_context.exit(INCOMPLETE)


def _print(here: dict[str, str], found: ClusterVersions | None, output: str) -> None:
    from homelab_netpol.cli.output import print_json

    if output == "json":
        data: dict[str, object] = {"client": here}
        if found is not None:
            data["cluster"] = {
                "kubernetes": found.kubernetes,
                "operator": list(map(_as_json, found.operator)),
                "cilium": list(map(_as_json, found.cilium)),
                "resources": found.resources,
            }
            data["incomplete"] = found.gaps
        print_json(data)
        return
    lines = [f"{name} {number}" for name, number in here.items()]
    if found is not None:
        lines += ["", "In the cluster:", f"  kubernetes {found.kubernetes}"]
        for name, images in (("operator", found.operator), ("cilium", found.cilium)):
            lines += [
                f"  {name} {', '.join(each.images)} ({each.namespace}/{each.name})"
                for each in images
            ] or [f"  {name} not found"]
        for name, versions in found.resources.items():
            lines.append(f"  {name} {', '.join(versions) or 'not installed'}")
    click.echo(printable("\n".join(lines)))


def _as_json(found: RunningImage) -> dict[str, object]:
    return {"namespace": found.namespace, "name": found.name, "images": list(found.images)}
