"""Puts findings right in a file's text, where that cannot change what is allowed. Pure.

Lines are edited, so that comments and layout stay. An edit that cannot be made on whole lines, as
in a mapping on one line, is left to the author; so is one of what an alias repeats elsewhere, and
one that would leave a comment without what it is about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import yaml

from homelab_netpol.lint.rule import Finding, RemoveField, SetField
from homelab_netpol.lint.text import Field, FileText
from homelab_netpol.manifests import Manifest

# One edit may make another possible; never more than this.
_MAX_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Fixed:
    """A file put right.

    Attributes:
        text: what it is to hold.
        findings: those that are gone.
    """

    text: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _Change:
    """Lines in the place of lines.

    Attributes:
        first: the first line that goes, from 0.
        after: the first that stays.
        lines: what comes there.
    """

    first: int
    after: int
    lines: tuple[str, ...]


def fix_text(text: str, findings: Iterable[Finding]) -> Fixed:
    """Makes the edits of findings in one file; those that overlap wait for another run.

    Args:
        text: what the file holds.
        findings: of that file.
    """
    file = FileText(text)
    changes: list[tuple[_Change, Finding]] = []
    for finding in findings:
        if finding.edit is None or finding.manifest is None:
            continue
        change = _change(file, finding.manifest, finding.edit)
        if change is not None and not any(_touches(change, other) for other, _ in changes):
            changes.append((change, finding))
    lines = [line + end for line, end in zip(file.lines, file.ends, strict=True)]
    for change, _ in sorted(changes, key=lambda each: each[0].first, reverse=True):
        end = file.ends[min(change.first, len(file.ends) - 1)] or "\n"
        lines[change.first : change.after] = [f"{line}{end}" for line in change.lines]
    return Fixed("".join(lines), tuple(finding for _, finding in changes))


def fix_all(
    text: str, findings: Iterable[Finding], look_again: Callable[[str], Iterable[Finding]]
) -> Fixed:
    """Makes all edits, also those that others make possible.

    Args:
        text: what the file holds.
        findings: of that file.
        look_again: finds what is left in a text.
    """
    done: list[Finding] = []
    for _ in range(_MAX_ROUNDS):
        fixed = fix_text(text, findings)
        if fixed.text == text:
            break
        text = fixed.text
        done += fixed.findings
        findings = look_again(text)
    return Fixed(text, tuple(done))


def _touches(one: _Change, other: _Change) -> bool:
    return one.first <= other.after and other.first <= one.after


def _change(file: FileText, manifest: Manifest, edit: SetField | RemoveField) -> _Change | None:
    if file.is_repeated(manifest, edit.path if isinstance(edit, RemoveField) else edit.parent):
        return None
    if isinstance(edit, RemoveField):
        return _removal(file, manifest, edit)
    parent = file.exact(manifest, edit.parent)
    if parent is None or not isinstance(parent.value, yaml.MappingNode) or not parent.value.value:
        return None
    if parent.value.flow_style:
        return None
    first = parent.value.value[0][0]
    line, column = first.start_mark.line, first.start_mark.column
    before = file.lines[line][:column]
    if before.strip():
        return None  # the mapping begins behind something else
    while file.lines[line - 1].lstrip().startswith("#"):
        line -= 1  # what is said of the first field stays above it
    return _Change(line, line, (f"{before}{edit.key}: {edit.value}",))


def _removal(file: FileText, manifest: Manifest, edit: RemoveField) -> _Change | None:
    parent, name = file.exact(manifest, edit.path[:-1]), edit.path[-1]
    if parent is None or not isinstance(parent.value, yaml.MappingNode):
        return None
    entries = parent.value.value
    if parent.value.flow_style or len(entries) < 2:
        return None
    index = next((n for n, (key, _) in enumerate(entries) if key.value == name), None)
    if index is None:
        return None
    key, value = entries[index]
    line = key.start_mark.line
    if file.lines[line][: key.start_mark.column].strip():
        return None  # such as `- ingress: []`: the item's dash stands before it
    if file.lines[line - 1].lstrip().startswith("#"):
        return None
    if not _is_alone(file, Field(key, value)):
        return None
    return _Change(line, value.end_mark.line + 1, ())


def _is_alone(file: FileText, field: Field) -> bool:
    """Behind the field's value its line holds nothing but a comment; and it is an empty list."""
    value = field.value
    if not isinstance(value, yaml.SequenceNode) or value.value or not value.flow_style:
        return False
    behind = file.lines[value.end_mark.line][value.end_mark.column :].strip()
    return not behind
