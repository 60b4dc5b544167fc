"""`homelab-netpol check platform`: platform namespaces' policies against the required rules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from homelab_netpol.cli.complete_names import complete_namespaces
from homelab_netpol.cli.options import InputOptions, config_option, input_options, output_option
from homelab_netpol.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homelab_netpol.platform_policies.results import NamespaceResult, RuleResult

_COLOURS = {"ok": "green", "missing": "red", "elsewhere": "yellow", "uncertain": "yellow"}


@click.group(short_help="Check policies that are written by hand.")
def check() -> None:
    """Check policies that are written by hand.

    \b
    Example:
      homelab-netpol check platform --help

    Exit status: that of the command below.
    """


@check.command(short_help="Check platform namespaces' policies for the rules each must have.")
@click.argument(
    "namespaces", metavar="[NAMESPACE]...", nargs=-1, shell_complete=complete_namespaces
)
@input_options(one_namespace=True)
@config_option
@click.option(
    "--together",
    is_flag=True,
    help="It is enough that all policies together allow what is required, clusterwide ones and the"
    " operator's baselines among them.",
)
@click.option(
    "--require-policy",
    is_flag=True,
    help="A platform namespace with pods and no policy of its own counts as found.",
)
@output_option("table", "json", "markdown")
@click.pass_context
def platform(
    click_context: click.Context,
    namespaces: tuple[str, ...],
    inputs: InputOptions,
    config: Path | None,
    together: bool,
    require_policy: bool,
    output: str,
) -> None:
    """Check that platform namespaces' policies have, in effect, the rules that each must have.

    DNS, metrics, probes, the mesh's tunnel, who calls its Services, and that the hatch works. What
    the policies of a namespace leave to others, such as the operator's baselines, is named too, as
    is what is denied; with the rules to add. Without a NAMESPACE all platform namespaces are
    checked. Nothing is written to a cluster.

    \b
    Examples:
      homelab-netpol check platform database -f clusters/home
      homelab-netpol check platform -o markdown

    Exit status: 0 when nothing is missing; 1 when something is; 2 when the input or the settings
    cannot be used; 3 when the cluster could not be read, or only in part.
    """
    from homelab_netpol.cli.inputs import read_model, remark
    from homelab_netpol.cli.status import FOUND, INCOMPLETE, OK, InputError
    from homelab_netpol.platform_policies.check import PlatformCheck
    from homelab_netpol.platform_policies.results import NamespaceState

    model = read_model(inputs, config)
    checked = PlatformCheck(model, together=together)
    known = checked.namespaces()
    if not namespaces and inputs.namespace is not None:
        namespaces = (inputs.namespace,)
    for name in namespaces:
        if name not in model.namespaces:
            raise InputError(f"the Namespace {name} is not among what is given")
        if name not in known:
            raise InputError(
                f"{name} is no platform namespace; name it in the setting platformNamespaces, or"
                f" label it {model.desired.catalogue.vocabulary.platform_key}=true"
            )
    results = [checked.check(name) for name in namespaces or known]
    if not results:
        remark("no platform namespace is among what is given")
    gaps = model.manifests.gaps
    _print(results, gaps, output, all_shown=bool(namespaces))
    if gaps:
        click_context.exit(INCOMPLETE)
    found = {NamespaceState.MISSING, *([NamespaceState.NO_POLICY] if require_policy else [])}
    is_found = any(each.state in found for each in results)
    click_context.exit(FOUND if is_found else OK)


def _print(
    results: Sequence[NamespaceResult], gaps: Sequence[str], output: str, *, all_shown: bool
) -> None:
    from homelab_netpol.cli.output import (
        as_cell,
        markdown_table,
        print_json,
        print_table,
    )

    if output == "json":
        print_json({"namespaces": list(map(_as_json, results)), "incomplete": gaps})
        return
    shown = [each for each in results if all_shown or each.state.value != "empty"]
    rows = [row for result in shown for row in _rows(result)]
    if output == "markdown":
        click.echo(markdown_table(("Namespace", "Rule", "Peer", "Ports", "Result"), rows))
    else:
        cells = [[as_cell(cell) for cell in row] for row in rows]
        for row in cells:
            row[-1] = f"[{_COLOURS.get(row[-1], 'default')}]{row[-1]}[/]"
        print_table(("NAMESPACE", "RULE", "PEER", "PORTS", "RESULT"), cells)
    for result in shown:
        text = _explained(result, in_markdown=output == "markdown")
        if text:
            click.echo(printable(text))


def _rows(result: NamespaceResult) -> list[list[str]]:
    if not result.rules:
        return [[result.namespace, "", "", "", result.state.value]]
    ways = {"ingress": "from ", "egress": "to ", "": ""}
    return [
        [
            result.namespace,
            each.rule,
            f"{ways[each.direction]}{each.peer}",
            each.ports or "",
            each.state.value,
        ]
        for each in result.rules
    ]


def _explained(result: NamespaceResult, *, in_markdown: bool) -> str:
    """What is wrong in a namespace, in sentences, and the rules to add."""
    import yaml

    wrong = [each for each in result.rules if each.message]
    lines = [_sentence(result.namespace, each) for each in wrong]
    if result.state.value == "no policy":
        lines.append(
            f"{result.namespace}: no policy of its own; its pods are open to whom no clusterwide"
            f" policy keeps out. `homelab-netpol scaffold platform {result.namespace}` writes one."
        )
    add: dict[str, list[object]] = {}
    for each in wrong:
        for section, rules in each.add.items():
            add.setdefault(section, []).extend(rules)
    if not add:
        return "\n".join(lines)
    text = yaml.safe_dump({"spec": add}, sort_keys=False, default_flow_style=None, width=100)
    lines += ["", f"To add to a policy of {result.namespace}:", ""]
    return "\n".join([*lines, f"```yaml\n{text}```" if in_markdown else text])


def _sentence(namespace: str, rule: RuleResult) -> str:
    pods = f" (for {', '.join(rule.pods)})" if rule.pods else ""
    return f"{namespace}: {rule.message}{pods}"


def _as_json(result: NamespaceResult) -> dict[str, object]:
    return {
        "namespace": result.namespace,
        "result": result.state.value,
        "meshed": result.meshed,
        "policies": [each._asdict() for each in result.policies],
        "pods": list(result.pods),
        "podsGiven": result.are_given,
        "rules": [
            {
                "rule": each.rule,
                "direction": each.direction,
                "peer": each.peer,
                "ports": each.ports,
                "result": each.state.value,
                "message": each.message,
                "pods": list(each.pods),
                "policies": [ref._asdict() for ref in each.policies],
                "add": each.add,
            }
            for each in result.rules
        ],
    }
