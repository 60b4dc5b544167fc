"""How an audit is shown on a screen, and in Markdown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from homelab_netpol.audit.result import Audit, MayChange, NamespaceAudit, Task

_COLOURS = {
    "high": "red",
    "medium": "yellow",
    "low": "cyan",
    "enforced": "green",
    "platform": "green",
    "hatch": "red",
    "pending": "red",
    "invalid": "red",
    "unlabelled": "yellow",
    "platformIncomplete": "yellow",
    "unknown": "magenta",
}
_TASKS = ("RISK", "WHAT", "WHERE", "HOW IT IS", "WHAT TO DO")
_NAMESPACES = (
    *("NAMESPACE", "STATE", "PROFILE", "CLOSED", "MTLS", "PODS", "OUTSIDE"),
    *("POLICIES", "MAP", "WIDER"),
)
_CHANGES = ("SUBJECT", "WHERE", "MAY", "THROUGH")
_SHOWN = 6
_UNKNOWN = "?"


def as_table(audit: Audit) -> str:
    """Tables, as wide as the terminal."""
    from homelab_netpol.cli.output import as_cell, table_text
    from homelab_netpol.printable import printable

    def coloured(rows: Iterable[Sequence[str]], column: int) -> Iterator[list[str]]:
        for row in rows:
            cells = list(map(as_cell, row))
            colour = _COLOURS.get(row[column], "default")
            cells[column] = f"[{colour}]{cells[column]}[/]"
            yield cells

    parts = [printable(f"{_summary(audit)}\n")]
    if audit.tasks:
        tasks = coloured(_task_rows(audit.tasks), 0)
        parts.append(table_text(_TASKS, tasks, title="What to do first"))
    rows = coloured(_namespace_rows(audit), 1)
    parts.append(table_text(_NAMESPACES, rows, title="Namespaces"))
    changes = [list(map(as_cell, row)) for row in _change_rows(audit.may_change or ())]
    if changes:
        title = "Who may change labels, custom resources or policies"
        parts.append(table_text(_CHANGES, changes, title=title))
    parts += [printable(f"Not seen: {each}\n") for each in audit.not_seen]
    return "".join(parts)


def as_markdown(audit: Audit) -> str:
    """The same for a pull request or a report."""
    from homelab_netpol.cli.output import markdown_table
    from homelab_netpol.detect.written import clean

    parts = [_summary(audit)]
    if audit.tasks:
        rows = [
            [each.capitalize() if n == 0 else each for n, each in enumerate(row)]
            for row in _task_rows(audit.tasks)
        ]
        parts += ["## What to do first", markdown_table(_headings(_TASKS), rows)]
    parts += [
        "## Namespaces",
        markdown_table(_headings(_NAMESPACES), _namespace_rows(audit)),
    ]
    changes = list(_change_rows(audit.may_change or ()))
    if changes:
        parts += [
            "## Who may change labels, custom resources or policies",
            markdown_table(_headings(_CHANGES), changes),
        ]
    if audit.not_seen:
        parts += ["## Not seen", "\n".join(f"- {clean(each)}" for each in audit.not_seen)]
    return "\n\n".join(parts) + "\n"


def _headings(columns: Sequence[str]) -> list[str]:
    return [each.capitalize() for each in columns]


def _summary(audit: Audit) -> str:
    from homelab_netpol.audit.result import Risk, State
    from homelab_netpol.findings.finding import join_words

    names = {
        State.ENFORCED: "enforced",
        State.HATCH: "with an open hatch",
        State.UNLABELLED: "unlabelled",
        State.PLATFORM: "of the platform",
        State.PLATFORM_INCOMPLETE: "of the platform with gaps",
        State.INVALID: "with an invalid label",
        State.PENDING: "without the policies that they ask for",
        State.UNKNOWN: "not known",
    }
    states = audit.states
    found = [f"{states[each]} {words}" for each, words in names.items() if states[each]]
    enforcing = {
        True: "Cilium enforces policies",
        False: "Nothing enforces policies",
        None: "Whether anything enforces policies is not known",
    }[audit.enforcing.enforcing]
    risks = join_words([f"{audit.count(risk)} {risk}" for risk in Risk])
    counted = f": {join_words(found)}" if found else ""
    number = len(audit.namespaces)
    spaces = "1 Namespace" if number == 1 else f"{number} Namespaces"
    return f"{spaces}{counted}. {enforcing}. To do: {risks}."


def _task_rows(tasks: Sequence[Task]) -> Iterator[list[str]]:
    """Tasks of one sort in one row: the first of them, and where the others are."""
    groups: defaultdict[tuple[str, str, str], list[Task]] = defaultdict(list)
    for task in tasks:
        groups[task.risk.value, task.rule, task.why].append(task)
    for (risk, rule, why), same in groups.items():
        places = list(dict.fromkeys(each.namespace or "the cluster" for each in same))
        where = ", ".join(places[:_SHOWN])
        if len(places) > _SHOWN:
            where += f" and {len(places) - _SHOWN} more"
        first = same[0]
        said = f"{first.what} {why}"
        if len(same) > 1:
            said = f"{first.namespace or first.object or 'first'}: {said}"
        yield [risk, rule, where, said, first.do]


def _namespace_rows(audit: Audit) -> Iterator[list[str]]:
    for each in audit.namespaces:
        yield [
            each.name,
            each.labelled.state.value,
            _profile(each),
            _closed(each),
            each.mtls.mode.value,
            _number(each.pods),
            str(len(each.outside) or ""),
            _number(each.costs.count if each.costs is not None else None),
            _number(each.costs.map_entries if each.costs is not None else None),
            str(len(each.wider) or ""),
        ]


def _profile(audited: NamespaceAudit) -> str:
    labelled = audited.labelled
    return ", ".join([*([labelled.profile] if labelled.profile else []), *labelled.grants])


def _closed(audited: NamespaceAudit) -> str:
    """By which directions default deny holds."""
    ways = {"in": audited.ingress_closed, "out": audited.egress_closed}
    closed = [way for way, is_closed in ways.items() if is_closed]
    unknown = [f"{way}?" for way, is_closed in ways.items() if is_closed is None]
    return "+".join([*closed, *unknown]) or "no"


def _number(value: int | None) -> str:
    return _UNKNOWN if value is None else f"{value:,}"


def _change_rows(changes: Sequence[MayChange]) -> Iterator[list[str]]:
    for each in changes:
        if not each.system:
            yield [each.subject, each.namespace or "everywhere", "; ".join(each.may), each.through]
