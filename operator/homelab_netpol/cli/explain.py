"""`homelab-netpol explain`: may this talk to that, why, and what would change it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from homelab_netpol.cli.complete_names import complete_ends
from homelab_netpol.cli.options import InputOptions, config_option, input_options, output_option
from homelab_netpol.cli.status import FOUND, INCOMPLETE, OK, USAGE, InputError
from homelab_netpol.printable import printable

if TYPE_CHECKING:
    from homelab_netpol.access.cluster_model import ClusterModel
    from homelab_netpol.access.explain_answer import Explanation

_COLOURS = {"yes": "green", "no": "red", "in part": "yellow", "unknown": "yellow"}


@click.command(short_help="May this talk to that, by which policy, and what would change it.")
@click.argument("source", metavar="[FROM", required=False, shell_complete=complete_ends)
@click.argument("target", metavar="TO]", required=False, shell_complete=complete_ends)
@click.option(
    "--port",
    "-p",
    "ports",
    multiple=True,
    metavar="PORT[/PROTOCOL]",
    help="The pods' port, as in 5432/TCP or 53/UDP, or its name. Without it, those on which TO is"
    " usually called. May be given more than once.",
)
@click.option(
    "--engine",
    type=click.Choice(["own", "cilium"]),
    default="own",
    show_default=True,
    help="cilium: ask Cilium's own policy engine too, which a checkout has after `make lab`.",
)
@input_options(one_namespace=True)
@config_option
@output_option("table", "json", "markdown", "svg", "dot")
def explain(
    source: str | None,
    target: str | None,
    ports: tuple[str, ...],
    engine: str,
    inputs: InputOptions,
    config: Path | None,
    output: str,
) -> None:
    """May FROM open a connection to TO: yes or no, by which policies, and what would change it.

    FROM and TO are a Namespace, NAMESPACE/WORKLOAD, NAMESPACE/LABEL=VALUE, a shared resource,
    svc/NAMESPACE/SERVICE, an address or network, a DNS name, or one of internet, lan, internal and
    external (the gateways), dns, prometheus, host, remote-node, kube-apiserver, health, ingress.

    With -n and no FROM: all that a Namespace may reach and be reached by, also as a picture (svg,
    dot). Nothing is written to a cluster.

    \b
    homelab-netpol explain -f cluster/ photos postgres
    homelab-netpol explain internet photos/web --port 8080
    homelab-netpol explain -n photos -o svg > photos.svg

    Exit status: 0 yes; 1 no, or not all of it, or the two engines differ; 2 when the command line,
    the settings or the input cannot be used; 3 when it is unknown, or the cluster could not be
    read, or only in part.
    """  # click keeps the lines of a paragraph that begins with this character
    from homelab_netpol.access.ends import EndError
    from homelab_netpol.cli.inputs import read_model

    if source is None:
        if inputs.namespace is None or ports or engine != "own":
            raise InputError("give FROM and TO, or -n NAMESPACE alone; see --help")
    elif target is None:
        raise InputError(f"{source}: to what? give FROM and TO; see --help")
    elif output in ("svg", "dot"):
        raise InputError(f"-o {output} is a picture of a Namespace: give -n without FROM and TO")
    # Routes say which DNS names are served by the cluster's own gateways.
    model = read_model(inputs, config, ["HTTPRoute"], calico=True)
    try:
        if source is not None and target is not None:
            status = _answer(model, source, target, ports, engine, output)
        else:
            status = _reach(model, inputs.namespace or "", output)
    except EndError as error:
        raise InputError(str(error)) from error
    raise SystemExit(INCOMPLETE if model.manifests.gaps and status is not USAGE else status)


def _answer(
    model: ClusterModel,
    source: str,
    target: str,
    ports: tuple[str, ...],
    engine: str,
    output: str,
) -> int:
    """Prints the answer to one question; the exit status."""
    from homelab_netpol.access.explain_answer import explain as answered
    from homelab_netpol.access.explain_data import answer_data
    from homelab_netpol.access.explain_text import markdown
    from homelab_netpol.cli.output import print_json

    answer = answered(model, source, target, ports)
    compared = None
    if engine == "cilium":
        from homelab_netpol.cli.explain_engine import ask_engine

        compared = ask_engine(model, answer.ruling)
    if output == "json":
        data = answer_data(model, answer)
        print_json(data if compared is None else {**data, "cilium": compared.data})
    elif output == "markdown":
        click.echo(printable(markdown(model, answer)))
    else:
        _print_text(model, answer)
    if compared is not None:
        for line in compared.lines:
            click.echo(printable(line), err=output == "json")
        if compared.differs:
            return FOUND
    return {"yes": OK, "unknown": INCOMPLETE}.get(answer.reply.value, FOUND)


def _print_text(model: ClusterModel, answer: Explanation) -> None:
    from homelab_netpol.access.explain_text import first_line, fix_lines, reasons_lines

    word, colon, rest = printable(first_line(answer)).partition(":")
    click.echo(click.style(word, fg=_COLOURS.get(word), bold=True) + colon + rest)
    for line in reasons_lines(answer):
        click.echo(printable(line))
    fixes = list(fix_lines(model, answer))
    if fixes:
        click.echo()
    for line in fixes:
        click.echo(printable(line))
    for note in answer.notes:
        click.echo(printable(f"Note: {note}"), err=True)


def _reach(model: ClusterModel, namespace: str, output: str) -> int:
    """Prints all that a Namespace may reach, and be reached by."""
    from homelab_netpol.access.ends_find import EndFinder
    from homelab_netpol.access.explain_data import reach_data
    from homelab_netpol.access.explain_judge import Judge
    from homelab_netpol.access.picture import dot, svg
    from homelab_netpol.access.reach import own_members, peers_of, ways
    from homelab_netpol.access.reach_rows import CELLS, cells, rows
    from homelab_netpol.cli.output import markdown_table, print_json, print_table

    finder, judge = EndFinder(model), Judge(model)
    own = own_members(model, finder, namespace)
    peers = peers_of(judge, finder, namespace, own)
    found = rows(ways(judge, own, peers), own)
    if output == "json":
        print_json(reach_data(model, namespace, found))
    elif output == "svg":
        click.echo(svg(namespace, found), nl=False)
    elif output == "dot":
        click.echo(dot(namespace, found), nl=False)
    elif output == "markdown":
        click.echo(markdown_table(CELLS, ([printable(x) for x in cells(row)] for row in found)))
    else:
        from rich.markup import escape

        table = ([escape(printable(cell)) for cell in cells(row)] for row in found)
        print_table([each.upper() for each in CELLS], table)
    return OK
