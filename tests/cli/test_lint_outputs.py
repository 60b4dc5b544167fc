"""`homelab-netpol lint`: JSON, SARIF, GitHub's annotations, Markdown, and what a terminal shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from homelab_netpol.lint import RULES
from tests.cli.linting import lint


def test_json_has_every_finding(plex: Path) -> None:
    result = lint(plex, "-o", "json")
    [found] = json.loads(result.stdout)["findings"]
    assert (found["rule"], found["severity"], found["line"], found["column"]) == (
        *("NP008", "warning"),
        *(7, 7),
    )
    assert found["page"].endswith("docs/lint.md#np008-every-port")
    assert found["object"] == "CiliumNetworkPolicy plex/plex"
    assert found["fixable"] is False


# Of SARIF 2.1.0 (OASIS): which properties the objects may have that are written, and which they
# must have.
SARIF: dict[str, tuple[set[str], set[str]]] = {
    "log": ({"$schema", "version", "runs"}, {"version", "runs"}),
    "run": ({"tool", "invocations", "results", "columnKind"}, {"tool"}),
    "tool": ({"driver"}, {"driver"}),
    "driver": ({"name", "informationUri", "version", "rules"}, {"name"}),
    "rule": (
        {
            *("id", "name", "shortDescription", "fullDescription", "help", "helpUri"),
            "defaultConfiguration",
        },
        {"id"},
    ),
    "result": ({"ruleId", "ruleIndex", "level", "message", "locations"}, {"message"}),
    "location": ({"physicalLocation", "logicalLocations"}, set()),
    "region": ({"startLine", "startColumn"}, set()),
}


def conforms(kind: str, value: dict[str, Any]) -> dict[str, Any]:
    """The object, which has what it must have and nothing that it may not have."""
    known, required = SARIF[kind]
    assert required <= value.keys() <= known, (kind, value)
    return value


def test_sarif_is_as_the_standard_has_it(plex: Path) -> None:
    log = conforms("log", json.loads(lint(plex, "-o", "sarif").stdout))
    assert log["version"] == "2.1.0"
    [run] = log["runs"]
    assert conforms("run", run)["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
    assert [each["executionSuccessful"] for each in run["invocations"]] == [True]
    driver = conforms("driver", conforms("tool", run["tool"])["driver"])
    assert [conforms("rule", each)["id"] for each in driver["rules"]] == [r.id for r in RULES]
    for each in driver["rules"]:
        assert each["defaultConfiguration"]["level"] in ("none", "note", "warning", "error")
        assert all(each[key]["text"] for key in ("shortDescription", "fullDescription", "help"))
    [result] = run["results"]
    assert conforms("result", result)["level"] == "warning"
    assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "NP008"
    [location] = result["locations"]
    physical = conforms("location", location)["physicalLocation"]
    assert physical["artifactLocation"]["uri"] == str(plex)
    assert conforms("region", physical["region"]) == {"startLine": 7, "startColumn": 7}


def test_sarif_without_findings_still_has_its_results() -> None:
    namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: plex}\n"
    log = json.loads(lint("-", "-o", "sarif", stdin=namespace).stdout)
    assert log["runs"][0]["results"] == []


def test_github_annotations_name_file_line_and_rule(plex: Path) -> None:
    [line] = lint(plex, "-o", "github").stdout.splitlines()
    assert line.startswith(f"::warning file={plex},line=7,col=7,title=NP008 every-port::")


def test_nothing_in_a_manifest_reaches_a_terminal_or_a_workflow_as_a_command() -> None:
    text = (
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
        "metadata: {name: web, namespace: plex}\n"
        "spec:\n  podSelector: {}\n  ingress:\n"
        "  - from: [{namespaceSelector: {matchLabels: {team: %s}}}]\n"
        "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: plex}\n"
    )
    for output in ("text", "table", "github", "markdown"):
        shown = lint("-", "-o", output, stdin=text % '"a\\e[31m\\n::error::b"').stdout
        assert "NP008" in shown
        assert "\x1b" not in shown
        assert "\n::error::b" not in shown
    assert "[red]web[/red]" in lint("-", "-o", "table", stdin=text % '"[red]web[/red]"').stdout


def test_markdown_is_a_table_with_a_heading(plex: Path) -> None:
    first, _, columns, *_ = lint(plex, "-o", "markdown").stdout.splitlines()
    assert first == "### homelab-netpol lint: 1 warning"
    assert columns.startswith("| SEVERITY | RULE |")
