"""`homelab-netpol lint`: what is wrong with hand-written policies and labels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from homelab_netpol.cli.options import InputOptions, config_option, input_options, output_option
from homelab_netpol.cli.status import FOUND, INCOMPLETE, OK, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from homelab_netpol.lint import Finding, Given

_FORMATS = ("text", "table", "json", "sarif", "github", "markdown")


@click.command(short_help="Find what is wrong with hand-written policies and labels.")
@click.argument("paths", nargs=-1, metavar="[FILE|DIR]...")
@input_options()
@config_option
@output_option(*_FORMATS)
@click.option("--select", multiple=True, metavar="ID,...", help="Ask only these rules.")
@click.option("--ignore", multiple=True, metavar="ID,...", help="Leave these rules out.")
@click.option(
    "--fail-on",
    type=click.Choice(("error", "warning", "none")),
    default="warning",
    show_default=True,
    help="The least severe finding for which the exit status is 1.",
)
@click.option(
    "--fix",
    is_flag=True,
    help="Edit files where that cannot change what is allowed, and say what was changed.",
)
@click.option("--rules", is_flag=True, help="List all rules.")
@click.option("--explain", metavar="ID", help="Explain a rule, with an example.")
def lint(
    paths: tuple[str, ...],
    inputs: InputOptions,
    config: Path | None,
    output: str,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    fail_on: str,
    fix: bool,
    rules: bool,
    explain: str | None,
) -> None:
    """Find what is wrong with hand-written policies and with the labels of Namespaces.

    Only what is certain from what is given is reported: a selector that selects nothing, for
    example, where the pods are given too. A finding that is wanted is kept back by a comment on its
    line, or above the object, with the reason: `# netpol: ignore[NP008] discovery uses changing
    ports`.

    \b
    Examples:
      homelab-netpol lint kubernetes/
      homelab-netpol lint -k apps/photos -o github --fail-on error
      homelab-netpol lint --explain NP106

    Exit status: 0 when nothing is found that --fail-on names; 1 when something is; 2 when the input
    or the settings cannot be used; 3 when the cluster could not be read, or only in part.
    """  # click's mark of a paragraph that is not wrapped is the character
    if rules:
        _show_rules()
        return
    if explain is not None:
        _show(explain)
        return
    inputs = replace(inputs, files=(*paths, *inputs.files))
    if fix:
        _refuse_to_fix(inputs)
    asked = _Asked(_ids("--select", select), _ids("--ignore", ignore), inputs.namespace)
    given, texts = _read(inputs, config)
    findings = _ask(given, texts, asked)
    if fix and any(each.edit is not None for each in findings):
        _fix(findings, given, texts, asked)
        given, texts = _read(inputs, config)
        findings = _ask(given, texts, asked)
    gaps = given.manifests.gaps
    _print(findings, output, gaps)
    failing = {"error": ("error",), "warning": ("error", "warning"), "none": ()}[fail_on]
    found = any(each.severity.value in failing for each in findings)
    click.get_current_context().exit(INCOMPLETE if gaps else FOUND if found else OK)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the command line asks for.

    Attributes:
        select: the rules that are asked; empty: all.
        ignore: those that are not.
        namespace: whose findings are shown; None: all.
    """

    select: frozenset[str]
    ignore: frozenset[str]
    namespace: str | None


def _refuse_to_fix(inputs: InputOptions) -> None:
    """Only files are edited."""
    others = [each for each in inputs.files if each == "-" or each.startswith("git:")]
    if inputs.from_cluster or inputs.kustomizations or others:
        what = "a cluster" if inputs.from_cluster else others[0] if others else "a kustomization"
        raise click.UsageError(f"--fix edits files, and {what} is none: give files or folders")


def _read(inputs: InputOptions, config: Path | None) -> tuple[Given, dict[str, str]]:
    """What is to be looked at, and what the files hold."""
    from datetime import UTC, datetime

    from homelab_netpol.cli.inputs import agents_of, catalogue_of, read_manifests, read_settings
    from homelab_netpol.lint import Given

    settings = read_settings(config)
    texts: dict[str, str] = {}
    where = (settings.cilium.namespace, settings.cilium.config_map)
    manifests = read_manifests(inputs, config_maps=[where], texts=texts, keep_variants=True)
    agents = agents_of(settings, manifests)
    catalogue = catalogue_of(settings, manifests, agents)
    given = Given(
        manifests,
        catalogue,
        datetime.now(UTC),
        config=agents,
        from_cluster=inputs.from_cluster,
        with_operator=config is not None,
    )
    return given, texts


def _ask(given: Given, texts: dict[str, str], asked: _Asked) -> list[Finding]:
    from homelab_netpol.lint import lint as ask
    from homelab_netpol.manifests import ManifestError

    try:
        found = ask(given, texts, select=asked.select, ignore=asked.ignore)
    except ManifestError as error:
        raise InputError(str(error)) from error
    return [each for each in found if _is_wanted(each, asked.namespace)]


def _is_wanted(finding: Finding, namespace: str | None) -> bool:
    manifest = finding.manifest
    if namespace is None or manifest is None:
        return True
    return namespace == (manifest.name if manifest.kind == "Namespace" else manifest.namespace)


def _ids(option: str, given: tuple[str, ...]) -> frozenset[str]:
    """The rules that an option names: by ids, or by what ids begin with."""
    from homelab_netpol.lint import RULES

    found: set[str] = set()
    for word in (each.strip() for text in given for each in text.split(",")):
        meant = {rule.id for rule in RULES if word and rule.id.startswith(word.upper())}
        if not meant:
            message = f"{word!r}: no such rule; --rules lists them"
            raise click.BadParameter(message, param_hint=option)
        found |= meant
    return frozenset(found)


def _fix(findings: Iterable[Finding], given: Given, texts: dict[str, str], asked: _Asked) -> None:
    """Edits the files, and shows how on standard error."""
    from collections import defaultdict
    from difflib import unified_diff
    from functools import partial

    from homelab_netpol.lint.fixes import fix_all
    from homelab_netpol.lint.formats import described
    from homelab_netpol.manifests import ManifestError
    from homelab_netpol.manifests.rewrite import rewrite
    from homelab_netpol.printable import on_one_line

    by_file: defaultdict[str, list[Finding]] = defaultdict(list)
    for each in findings:
        if each.edit is not None:
            by_file[each.file].append(each)
    problems = []
    for name, found in by_file.items():
        fixed = fix_all(texts[name], found, partial(_alone, name=name, given=given, asked=asked))
        if not fixed.findings:
            continue
        try:
            rewrite(Path(name), texts[name], fixed.text)
        except ManifestError as error:
            problems.append(str(error))
            continue
        for each in fixed.findings:
            click.echo(f"Fixed: {on_one_line(name)}: {each.rule.id} {described(each)}", err=True)
        before, after = texts[name].splitlines(), fixed.text.splitlines()
        for line in unified_diff(before, after, name, name, lineterm="", n=2):
            click.echo(on_one_line(line), err=True)
    if problems:
        raise InputError("\n".join(problems))


def _alone(text: str, name: str, given: Given, asked: _Asked) -> list[Finding]:
    """What is left to edit in one file; what is edited needs nothing beside the policy."""
    from homelab_netpol.lint import RULES, Given
    from homelab_netpol.lint import lint as ask
    from homelab_netpol.manifests import ManifestSet, parse_manifests

    manifests = ManifestSet()
    found = parse_manifests(text.encode(), name)
    manifests.add(found, asked.namespace or "", keep_variants=True)
    fixable = {rule.id for rule in RULES if rule.fixable}
    wanted = (fixable & asked.select if asked.select else fixable) - asked.ignore
    if not wanted:
        return []
    alone = Given(manifests, given.catalogue, given.now, with_operator=True)
    return ask(alone, {name: text}, select=wanted)


def _print(findings: Sequence[Finding], output: str, gaps: Sequence[str]) -> None:
    from homelab_netpol import __version__
    from homelab_netpol.cli.output import as_cell, markdown_table, print_json, print_table
    from homelab_netpol.lint import formats

    if output == "json":
        result = {"findings": formats.as_json(findings)}
        print_json({**result, "incomplete": list(gaps)} if gaps else result)
    elif output == "sarif":
        print_json(formats.as_sarif(findings, __version__, gaps))
    elif output == "github":
        for line in formats.github_lines(findings):
            click.echo(line)
    elif output == "text":
        for line in formats.text_lines(findings):
            click.echo(line)
        click.echo(formats.counted(findings), err=True)
    else:
        rows = [
            (each.severity.value, each.rule.id, formats.place_of(each), formats.described(each))
            for each in findings
        ]
        columns = ("SEVERITY", "RULE", "PLACE", "WHAT")
        if output == "markdown":
            title = f"### homelab-netpol lint: {formats.counted(findings)}"
            click.echo(f"{title}\n\n{markdown_table(columns, rows)}" if rows else title)
        else:
            print_table(columns, [tuple(map(as_cell, row)) for row in rows])


def _show_rules() -> None:
    from homelab_netpol.cli.output import as_cell, print_table
    from homelab_netpol.lint import RULES

    rows = [(each.id, each.severity.value, each.name, each.summary) for each in RULES]
    print_table(("ID", "SEVERITY", "NAME", "WHAT IT FINDS"), [tuple(map(as_cell, r)) for r in rows])


def _show(rule_id: str) -> None:
    from homelab_netpol.lint import BY_ID

    rule = BY_ID.get(rule_id.upper())
    if rule is None:
        message = f"{rule_id!r}: no such rule; --rules lists them"
        raise click.BadParameter(message, param_hint="--explain")
    click.echo(f"{rule.id} {rule.name} ({rule.severity})\n\n{rule.summary}\n")
    click.echo(f"Why: {rule.why}\n\nFix: {rule.fix}\n")
    if rule.needs:
        click.echo(f"Needs beside policies: {rule.needs}.\n")
    click.echo(f"Wrong:\n\n{rule.wrong}\nRight:\n\n{rule.right}", nl=False)
