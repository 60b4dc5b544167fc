"""Findings as other programs read them: JSON, SARIF 2.1.0, GitHub's annotations, Markdown. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

from homelab_netpol.lint.registry import RULES
from homelab_netpol.lint.rule import Finding, Rule, Severity
from homelab_netpol.printable import on_one_line

_PAGE = "https://github.com/homelab-netpol/homelab-netpol/blob/main/docs/lint.md"
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def page_of(rule: Rule) -> str:
    """The address of a rule's section."""
    return f"{_PAGE}#{rule.anchor}"


def place_of(finding: Finding) -> str:
    """`file:line:column`, without what is not known."""
    where = [on_one_line(finding.file)]
    if finding.line:
        where += [str(finding.line), str(finding.column)]
    return ":".join(where)


def described(finding: Finding) -> str:
    """What is wrong, with the object and the field, on one line."""
    about = finding.target
    if finding.path:
        about = f"{about}: {finding.path}" if about else finding.path
    return on_one_line(f"{about}: {finding.message}" if about else finding.message)


def text_lines(findings: Iterable[Finding]) -> Iterable[str]:
    """A line each: `file:line:column: severity NP001 message`."""
    for each in findings:
        yield f"{place_of(each)}: {each.severity} {each.rule.id} {described(each)}"


def as_json(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Objects for JSON."""
    return [
        {
            "rule": each.rule.id,
            "name": each.rule.name,
            "severity": each.severity.value,
            "file": on_one_line(each.file),
            "line": each.line or None,
            "column": each.column or None,
            "object": on_one_line(each.target) or None,
            "field": on_one_line(each.path) or None,
            "message": on_one_line(each.message),
            "fix": each.rule.fix,
            "fixable": each.edit is not None,
            "page": page_of(each.rule),
        }
        for each in findings
    ]


def as_sarif(findings: Sequence[Finding], version: str, gaps: Sequence[str] = ()) -> dict[str, Any]:
    """A log of SARIF 2.1.0 (OASIS), as code scanning takes it.

    Args:
        findings: what was found.
        version: of this program.
        gaps: what could not be read.
    """
    index = {rule.id: number for number, rule in enumerate(RULES)}
    driver = {
        "name": "homelab-netpol",
        "informationUri": _PAGE,
        "version": version,
        "rules": [_sarif_rule(rule) for rule in RULES],
    }
    results = [
        {
            "ruleId": each.rule.id,
            "ruleIndex": index[each.rule.id],
            "level": _LEVELS[each.severity],
            "message": {"text": described(each)},
            "locations": [_sarif_location(each)],
        }
        for each in findings
    ]
    notes = [{"level": "error", "message": {"text": on_one_line(gap)}} for gap in gaps]
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": not gaps, "toolExecutionNotifications": notes}],
        "results": results,
        "columnKind": "unicodeCodePoints",
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _sarif_rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": "".join(part.capitalize() for part in rule.name.split("-")),
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.why},
        "help": {"text": rule.fix},
        "helpUri": page_of(rule),
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }


def _sarif_location(finding: Finding) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(on_one_line(finding.file))}}
    if finding.line:
        physical["region"] = {"startLine": finding.line, "startColumn": finding.column}
    location: dict[str, Any] = {"physicalLocation": physical}
    if finding.target:
        name = on_one_line(finding.target)
        location["logicalLocations"] = [{"fullyQualifiedName": name, "kind": "object"}]
    return location


def _uri(file: str) -> str:
    """A file's path as a relative reference, which is what code scanning matches with its tree."""
    path = file.removeprefix("./")
    # Of `git:REV:PATH` the path is what the tree has.
    if path.startswith("git:"):
        path = path.split(":", 2)[-1]
    return quote("stdin" if path == "-" else path, safe="/")


def github_lines(findings: Iterable[Finding]) -> Iterable[str]:
    """GitHub's workflow commands, which show findings beside the lines of a pull request."""
    for each in findings:
        properties = {"title": f"{each.rule.id} {each.rule.name}"}
        if each.line:
            file = on_one_line(each.file)
            place = {"file": file, "line": str(each.line), "col": str(each.column)}
            properties = {**place, **properties}
        listed = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
        message = _data(f"{described(each)} {each.rule.fix}")
        yield f"::{_COMMANDS[each.severity]} {listed}::{message}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def counted(findings: Sequence[Finding]) -> str:
    """How many there are: `2 errors, 1 warning`."""
    words = []
    for severity, one in ((Severity.ERROR, "error"), (Severity.WARNING, "warning")):
        count = sum(each.severity is severity for each in findings)
        if count:
            words.append(f"{count} {one}{'s' if count > 1 else ''}")
    count = sum(each.severity is Severity.INFO for each in findings)
    return ", ".join([*words, *([f"{count} info"] if count else [])]) or "nothing found"
