"""`# netpol: ignore[NP012] reason`: findings that an author has looked at and wants kept. Pure."""

from __future__ import annotations

import re
import sys
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from homelab_netpol.lint.examples import cilium_policy
from homelab_netpol.lint.rule import Finding, Hit, Rule, Severity
from homelab_netpol.lint.text import FileText
from homelab_netpol.manifests import Manifest

_IGNORE = re.compile(r"(?:^|\s)#\s*netpol:\s*ignore\b(?:\s*\[(?P<ids>[^\]]*)\])?\s*(?P<reason>.*)$")
_MARK = "netpol:"


@dataclass(slots=True)
class Ignore:
    """One comment.

    Attributes:
        line: where, from 1.
        column: likewise.
        ids: of the rules.
        reason: why.
        first: the first line that it is about.
        last: the last one.
        whole: it is about an object.
        used: the ids of which it has kept back a finding.
    """

    line: int
    column: int
    ids: tuple[str, ...]
    reason: str
    first: int
    last: int
    whole: bool
    used: set[str] = field(default_factory=set)

    def covers(self, rule: str, line: int) -> bool:
        """Whether it keeps back a finding; without a reason it does not."""
        return bool(self.reason) and rule in self.ids and self.first <= line <= self.last


def ignores_in(text: FileText, manifests: Iterable[Manifest]) -> list[Ignore]:
    """The comments of a file.

    In an object's head (above it, or beside its kind and metadata) one is about the whole object;
    elsewhere about its own line, or the next one if there is nothing else on its own.

    Args:
        text: the file.
        manifests: the objects that are in it.
    """
    if _MARK not in text.text:
        return []
    heads, below = sorted(_heads(text, manifests)), _lines_below(text)
    found = []
    for number, line in enumerate(text.lines, 1):
        match = _IGNORE.search(line)
        if match is None:
            continue
        ids = tuple(each.strip() for each in (match["ids"] or "").split(",") if each.strip())
        head = _head_at(number, heads)
        alone = line.lstrip().startswith("#")
        first, last = head or (number, below[number] if alone else number)
        column, reason = line.index("#", match.start()) + 1, match["reason"].strip()
        found.append(Ignore(number, column, ids, reason, first, last, head is not None))
    return found


def _heads(text: FileText, manifests: Iterable[Manifest]) -> Iterator[tuple[int, int, int]]:
    """Of each object the lines of its head, and its last line."""
    for manifest in manifests:
        node = text.object_of(manifest)
        if node is not None:
            first, after = text.head_of(node)
            yield first, after, node.end_mark.line + 1


def _head_at(line: int, heads: list[tuple[int, int, int]]) -> tuple[int, int] | None:
    """The first and last line of the object in whose head a line is; None: it is in none.

    A comment beside `metadata: {...}` is for the object too; one just above `spec` is in the head,
    as nothing of the spec has begun.
    """
    index = bisect_right(heads, (line, sys.maxsize, 0)) - 1
    if index < 0:
        return None
    first, after, last = heads[index]
    return (first, last) if line < after else None


def _lines_below(text: FileText) -> list[int]:
    """For each line, from 1, the next one below that is more than a comment; [0] is not used."""
    found = [0] * (len(text.lines) + 2)
    found[-1] = len(text.lines) + 1
    for number in range(len(text.lines), 0, -1):
        below = text.lines[number] if number < len(text.lines) else ""
        is_comment = below.lstrip().startswith("#")
        found[number] = found[number + 1] if is_comment else number + 1
    return found


def _nothing(_given: object) -> Iterator[Hit]:
    """Comments are looked at after all other rules: see `linter.lint`."""
    return iter(())


_PORTS = '      toPorts: [{ports: [{port: "32400", protocol: TCP}]}]\n'
_KEPT = "# netpol: ignore[NP008] discovery uses changing ports"


def _example(comment: str, ports: str = "") -> str:
    above = f"    {comment}\n" if comment else ""
    spec = f"""\
  endpointSelector: {{}}
  ingress:
{above}    - fromCIDR: [192.168.1.0/24]
{ports}"""
    return cilium_policy("plex", spec, namespace="plex")


NO_REASON = Rule(
    id="NP901",
    name="ignore-without-reason",
    severity=Severity.WARNING,
    summary="`# netpol: ignore` without a rule's id in brackets, or without a reason.",
    why="Who reads it later cannot know whether it still holds. Without a reason it keeps nothing"
    " back.",
    fix="Write both: `# netpol: ignore[NP008] discovery uses changing ports`.",
    wrong=_example("# netpol: ignore[NP008]"),
    right=_example(_KEPT),
    check=_nothing,
)
UNKNOWN_ID = Rule(
    id="NP902",
    name="ignore-of-unknown-rule",
    severity=Severity.WARNING,
    summary="`# netpol: ignore` with an id that no rule has.",
    why="It keeps nothing back; the id is mistyped.",
    fix="`homelab-netpol lint --rules` lists the ids.",
    wrong=_example("# netpol: ignore[NP008, NP080] discovery uses changing ports"),
    right=_example(_KEPT),
    check=_nothing,
)
UNUSED = Rule(
    id="NP903",
    name="ignore-unused",
    severity=Severity.WARNING,
    summary="`# netpol: ignore` of a rule that finds nothing there.",
    why="What it was written for is gone, and it would hide the next one.",
    fix="Take the comment out. Nothing is said of rules that are left out of this run, or that lack"
    " what they need (pods, Services).",
    wrong=_example(_KEPT, _PORTS),
    right=_example("", _PORTS),
    check=_nothing,
)
RULES = (NO_REASON, UNKNOWN_ID, UNUSED)


def without_ignored(findings: Iterable[Finding], ignores: Iterable[Ignore]) -> list[Finding]:
    """The findings of one file that no comment keeps back; notes which comments were used."""
    # Of an object, by where it begins; of a single line, by that line.
    of_objects: defaultdict[int, list[Ignore]] = defaultdict(list)
    of_lines: defaultdict[int, list[Ignore]] = defaultdict(list)
    for each in ignores:
        (of_objects if each.whole else of_lines)[each.first if each.whole else each.last].append(
            each
        )
    begins = sorted(of_objects)
    shown: list[Finding] = []
    for finding in findings:
        index = bisect_right(begins, finding.line) - 1
        near = [*of_lines.get(finding.line, ()), *(of_objects[begins[index]] if index >= 0 else ())]
        covering = [each for each in near if each.covers(finding.rule.id, finding.line)]
        for each in covering:
            each.used.add(finding.rule.id)
        if not covering:
            shown.append(finding)
    return shown


def of_comments(
    file: str, ignores: Iterable[Ignore], known: frozenset[str], certain: frozenset[str]
) -> Iterator[Finding]:
    """What is wrong with the comments of a file.

    Args:
        file: which.
        ignores: its comments, with what was used.
        known: the ids of all rules.
        certain: the ids of those that have looked, and had all that they need.
    """
    for each in ignores:
        if not each.ids or not each.reason:
            missing = "a reason" if each.ids else "the ids of rules, as in ignore[NP008],"
            yield _finding(NO_REASON, file, each, f"lacks {missing} and so keeps nothing back")
            continue
        unknown = [one for one in each.ids if one not in known]
        if unknown:
            yield _finding(UNKNOWN_ID, file, each, f"there is no rule {', '.join(unknown)}")
        unused = [one for one in each.ids if one in certain and one not in each.used]
        if unused:
            yield _finding(UNUSED, file, each, f"{', '.join(unused)} finds nothing here")


def _finding(rule: Rule, file: str, at: Ignore, message: str) -> Finding:
    return Finding(rule, rule.severity, file, at.line, at.column, "", "", message)
