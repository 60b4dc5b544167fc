"""`homelab-netpol recommend`: which labels Namespaces should have, and which nobody needs."""

from __future__ import annotations

from pathlib import Path

import click

from homelab_netpol.cli.complete_names import complete_resources
from homelab_netpol.cli.options import (
    InputOptions,
    complete_files,
    config_option,
    input_options,
    output_option,
)
from homelab_netpol.cli.status import InputError


@click.command(short_help="Recommend labels: from flows, from policies, or by three questions.")
@click.argument("flows", metavar="[FLOWS|-]...", nargs=-1, shell_complete=complete_files)
@click.option("--all", "everything", is_flag=True, help="For every Namespace that runs apps.")
@click.option(
    "--from",
    "source",
    type=click.Choice(["flows", "policies"]),
    help="What is needed is what was seen (flows), or what policies by hand allow (policies)."
    " Without it, flows, but for --all without FLOWS.",
)
@click.option(
    "--unused", is_flag=True, help="Say which grants and profiles no flow needed, or not wholly."
)
@click.option(
    "--since",
    metavar="DURATION|TIME",
    help="Only flows since then, as in 30d or 2026-03-01T22:00:00Z.",
)
@click.option(
    "--narrow",
    is_flag=True,
    help="Prefer what opens the least; else the fewest words that let everything needed pass.",
)
@click.option(
    "--without-policies",
    is_flag=True,
    help="As if the Namespaces' own policies by hand were gone; else what they let pass needs no"
    " label. With --from policies it is always so.",
)
@click.option(
    "--output-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write what is recommended as a tree for git into this folder, which is new or empty.",
)
@click.option("--questions", is_flag=True, help="Ask three questions, unless options answer them.")
@click.option(
    "--from-internet/--no-from-internet",
    default=None,
    help="With --questions: it is reached from the internet, or not.",
)
@click.option(
    "--from-inside/--no-from-inside",
    default=None,
    help="With --questions: it is reached from your own network by the internal gateway, or not.",
)
@click.option(
    "--calls-out/--no-calls-out",
    default=None,
    help="With --questions: it calls the internet over HTTPS, or not.",
)
@click.option(
    "--grant",
    "grants",
    multiple=True,
    metavar="RESOURCE[=VALUE]",
    shell_complete=complete_resources,
    help="With --questions: a shared resource that it needs, such as postgres. May be given more"
    " than once.",
)
@input_options(one_namespace=True)
@config_option
@output_option("text", "yaml", "json", "markdown")
def recommend(
    flows: tuple[str, ...],
    everything: bool,
    source: str | None,
    unused: bool,
    since: str | None,
    narrow: bool,
    without_policies: bool,
    output_dir: Path | None,
    questions: bool,
    from_internet: bool | None,
    from_inside: bool | None,
    calls_out: bool | None,
    grants: tuple[str, ...],
    inputs: InputOptions,
    config: Path | None,
    output: str,
) -> None:
    """Recommend the smallest labels, annotations and resources that let pass what is needed.

    What is needed is what Hubble saw (FLOWS: its JSON, plain or gzipped; without one, hubble is
    called), or what policies by hand allow. It says what would be dropped, and what would be open
    beyond. Everything is proven on the policies of -f, -k or the cluster, to which nothing is
    written. With --questions no cluster is read.

    \b
    hubble observe -n photos --since 7d -o json | homelab-netpol recommend -n photos -
    homelab-netpol recommend -n photos --from policies
    homelab-netpol recommend --all --output-dir labels/
    homelab-netpol recommend --all exports/*.json.gz -f cluster/ -o markdown
    homelab-netpol recommend --unused --since 30d exports/*.json.gz
    homelab-netpol recommend --questions --no-from-internet --from-inside --calls-out \\
        --grant postgres -n my-app -o yaml

    Exit status: 0 everything that is needed passes, or every grant is used; 1 something would be
    dropped, or is not used; 2 when the command line, the settings or the input cannot be used; 3
    when the cluster or hubble could not be read, or only in part, or flows cover less than --since.
    """  # click keeps the lines of a paragraph that begins with this character
    if questions:
        if flows or everything or source or unused or output_dir or since or narrow:
            raise click.UsageError(
                "--questions reads neither flows nor policies: leave the rest out."
            )
        if output == "markdown":
            raise click.UsageError("--questions prints text, yaml or json.")
        from homelab_netpol.cli.recommend_questions import Given, ask

        answers = {
            "from_internet": from_internet,
            "from_inside": from_inside,
            "calls_out": calls_out,
        }
        ask(Given(answers, grants), inputs, config, output)
        return
    if grants or {from_internet, from_inside, calls_out} != {None}:
        raise click.UsageError("Answers and --grant are for --questions.")
    if sum((everything, inputs.namespace is not None, unused)) == 0:
        raise click.UsageError(
            "Name a Namespace (-n), or use --all, --unused, or --questions: three questions."
        )
    if everything and unused:
        raise click.UsageError("--all and --unused are two questions: ask one after the other.")
    if flows.count("-") + inputs.files.count("-") > 1:
        raise InputError("standard input (-) can be given once only: for flows or for manifests")
    if source is None:
        source = "policies" if everything and not flows else "flows"
    if source == "policies" and (flows or since or unused):
        raise click.UsageError("--from policies reads no flows: leave FLOWS, --since and --unused.")
    from homelab_netpol.cli.recommend_work import Work

    work = Work(flows, source, since, inputs, config, output)
    if unused:
        status = work.unused(inputs.namespace)
    else:
        name = None if everything else inputs.namespace
        status = work.recommend(
            name, narrow=narrow, without_policies=without_policies, output_dir=output_dir
        )
    raise SystemExit(status)
