"""`homelab-netpol diff`: what changes between two trees, in the language of access."""

from __future__ import annotations

import click

from homelab_netpol.cli.complete_names import complete_namespaces
from homelab_netpol.cli.options import (
    ClusterOptions,
    cluster_options,
    exclude_option,
    output_option,
)

_CONFIG = "FILE|DIR|git:REV:PATH"


@click.command(short_help="Show what changes of who may reach whom.")
@click.argument("old")
@click.argument("new")
@click.option("--config", metavar=_CONFIG, help="The operator's settings, for both sides.")
@click.option("--old-config", metavar=_CONFIG, help="The settings of OLD alone.")
@click.option("--new-config", metavar=_CONFIG, help="The settings of NEW alone.")
@click.option("--objects", is_flag=True, help="Show the policies that differ as well.")
@click.option(
    "--fail-on",
    type=click.Choice(["none", "widen", "any"]),
    default="none",
    show_default=True,
    help="End with status 1 if more is, or may be, allowed than before (widen), or if anything"
    " changes or a label cannot be understood (any).",
)
@exclude_option
@click.option(
    "--namespace",
    "-n",
    metavar="NAMESPACE",
    shell_complete=complete_namespaces,
    help="Only what changes for this Namespace; also of manifests that name none.",
)
@cluster_options
@output_option("text", "markdown", "json")
def diff(
    old: str,
    new: str,
    config: str | None,
    old_config: str | None,
    new_config: str | None,
    objects: bool,
    fail_on: str,
    exclude: tuple[str, ...],
    namespace: str | None,
    cluster: ClusterOptions,
    output: str,
) -> None:
    """Show who gains and who loses what, from OLD to NEW.

    OLD and NEW are each a file, a folder, git:REV[:PATH], kustomize:DIR, or cluster. Beside a
    cluster, a tree counts as applied to it: what the tree does not hold stays.

    \b
    Examples:
      homelab-netpol diff git:main:clusters/home clusters/home --fail-on widen
      homelab-netpol diff cluster clusters/home --objects

    Nothing is written to a cluster. Exit status: 0; 1 when --fail-on says so; 2 when the input or
    the settings cannot be used; 3 when the cluster could not be read, or only in part.
    """
    from homelab_netpol.access.diff import FailOn, compare_trees
    from homelab_netpol.access.diff.report import as_json, markdown, text_lines
    from homelab_netpol.cli.output import print_json
    from homelab_netpol.cli.status import FOUND, INCOMPLETE
    from homelab_netpol.cli.trees import Tree, read_sides

    before, after = read_sides(
        Tree(old, old_config or config),
        Tree(new, new_config or config),
        exclude=exclude,
        namespace=namespace,
        cluster=cluster,
    )
    found = compare_trees(before, after, namespace)
    if output == "json":
        print_json(as_json(found, objects=objects))
    elif output == "markdown":
        click.echo(markdown(found, objects=objects), nl=False)
    else:
        for line in text_lines(found, objects=objects):
            click.secho(line, fg=_colour(line))
    if found.gaps:
        raise SystemExit(INCOMPLETE)
    if found.fails(FailOn(fail_on)):
        raise SystemExit(FOUND)


def _colour(line: str) -> str | None:
    """Of a line by its sign; colours are for terminals only, which click sees to."""
    signs = {"+": "green", "-": "red", "!": "yellow", "?": "yellow"}
    return signs.get(line.lstrip()[:1]) if line.startswith("  ") or line[:1] in signs else None
