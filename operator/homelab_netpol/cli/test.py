"""`homelab-netpol test`: policy tests, for CI."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from homelab_netpol.cli.options import InputOptions, config_option, input_options, output_option
from homelab_netpol.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homelab_netpol.policy_tests import Result


@click.command(short_help="Run policy tests: who may reach whom, held against the policies.")
@click.argument(
    "paths", metavar="TESTFILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@input_options()
@config_option
@output_option("table", "junit", "json", "markdown")
@click.pass_context
def test(
    click_context: click.Context,
    paths: tuple[Path, ...],
    inputs: InputOptions,
    config: Path | None,
    output: str,
) -> None:
    """Run the policy tests of files, and of all *.netpol-test.yaml below folders.

    They are held against the manifests of -f and -k with the policies that the operator would
    write for them, or against a cluster. Nothing is written to it.

    \b
    Examples:
      homelab-netpol test tests/ -f clusters/home
      homelab-netpol test shop.netpol-test.yaml -f . -o junit > report.xml

    \b
    A test file:
      tests:
        - name: the shop reaches its database
          from: shop
          to: postgres
          port: 5432/TCP
          expect: allowed

    Exit status: 0 when all passed; 1 when one failed, or could not be answered; 2 when a test file,
    the input or the settings cannot be used; 3 when the cluster could not be read, or only in part.
    """
    from homelab_netpol.cli.inputs import read_model
    from homelab_netpol.cli.status import FOUND, INCOMPLETE, OK, InputError
    from homelab_netpol.policy_tests import BrokenTestFile, Status, run_tests
    from homelab_netpol.policy_tests.files import read_test_files

    try:
        tests = read_test_files(paths)
    except BrokenTestFile as error:
        raise InputError(str(error)) from error
    model = read_model(inputs, config)
    results = run_tests(model, tests)
    gaps = model.manifests.gaps
    _print(results, gaps, output)
    if gaps:
        click_context.exit(INCOMPLETE)
    passed = all(each.status is Status.PASSED for each in results)
    click_context.exit(OK if passed else FOUND)


def _print(results: Sequence[Result], gaps: Sequence[str], output: str) -> None:
    from homelab_netpol.cli.output import as_cell, markdown_table, print_json, print_table
    from homelab_netpol.policy_tests.junit import as_junit

    if output == "junit":
        click.echo(as_junit(results, gaps), nl=False)
    elif output == "json":
        print_json(
            {"summary": _counts(results), "tests": list(map(_as_json, results)), "incomplete": gaps}
        )
    elif output == "markdown":
        rows = [
            list(map(printable, (f"{each.test.file}:{each.test.line}", *_cells(each))))
            for each in results
        ]
        click.echo(markdown_table(("Where", "Result", "Test", "Question", "Reason"), rows))
        click.echo(f"\n{_summary(results)}")
    else:
        rows = [[as_cell(cell) for cell in _cells(each)[:3]] for each in results]
        for row in rows:
            row[0] = f"[{'green' if row[0] == 'passed' else 'red'}]{row[0]}[/]"
        print_table(("RESULT", "TEST", "QUESTION"), rows)
        _print_reasons(results)
        click.echo(_summary(results))


def _print_reasons(results: Sequence[Result]) -> None:
    for each in results:
        if each.reason:
            test = each.test
            click.echo(printable(f"{test.file}:{test.line}: {test.name}\n  {each.reason}\n"))


def _cells(result: Result) -> list[str]:
    test = result.test
    return [result.status.value, test.name, f"{test.question} {test.expected}", result.reason]


def _counts(results: Sequence[Result]) -> dict[str, int]:
    from homelab_netpol.policy_tests import Status

    return {status.value: sum(each.status is status for each in results) for status in Status}


def _summary(results: Sequence[Result]) -> str:
    counts = _counts(results)
    return (
        f"{counts['passed']} passed, {counts['failed']} failed, {counts['error']} could not be"
        " answered"
    )


def _as_json(result: Result) -> dict[str, object]:
    test = result.test
    return {
        "name": test.name,
        "file": test.file,
        "line": test.line,
        "from": list(test.sources),
        "to": list(test.targets),
        "ports": list(map(str, test.ports)),
        "expected": test.expected,
        "result": result.status.value,
        "found": result.found,
        "reason": result.reason,
        "policies": [each._asdict() for each in result.policies],
    }
