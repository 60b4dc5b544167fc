"""Asks every rule, finds the places of its hits in the files, and keeps back what is ignored."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from homelab_netpol.lint.comments import ignores_in, of_comments, without_ignored
from homelab_netpol.lint.given import Given
from homelab_netpol.lint.registry import RULES
from homelab_netpol.lint.rule import Finding, Hit, Rule, path_text
from homelab_netpol.lint.text import FileText
from homelab_netpol.manifests import Manifest

_KNOWN = frozenset(rule.id for rule in RULES)
_MAX_MESSAGE = 600
# Flux puts a value there before the API server sees it.
_VARIABLE = re.compile(r"\$\{\w")


def lint(
    given: Given,
    texts: Mapping[str, str],
    *,
    select: Collection[str] = (),
    ignore: Collection[str] = (),
) -> list[Finding]:
    """Asks the rules.

    Args:
        given: the policies and their surroundings.
        texts: what the files hold, by `Source.file`, as far as they are files.
        select: the ids of the rules that are asked; empty: all.
        ignore: of those that are not.

    Returns:
        What comments do not keep back, in the order of files and lines.
    """
    asked = [each for each in RULES if (not select or each.id in select) and each.id not in ignore]
    files = {name: FileText(text) for name, text in texts.items()}
    by_file: defaultdict[str, list[Finding]] = defaultdict(list)
    for rule in asked:
        for hit in rule.check(given):
            if _is_open(hit):
                continue
            finding = _placed(rule, hit, files.get(hit.manifest.source.file))
            by_file[finding.file].append(finding)
    members: defaultdict[str, list[Manifest]] = defaultdict(list)
    for manifest in (*given.manifests.manifests, *given.manifests.others):
        members[manifest.source.file].append(manifest)
    certain = frozenset(each.id for each in asked if not each.needs)
    wanted = {each.id for each in asked}
    shown: list[Finding] = []
    for name in {**by_file, **files}:
        found = by_file.get(name, [])
        text = files.get(name)
        comments = [] if text is None else ignores_in(text, members[name])
        shown += without_ignored(found, comments)
        shown += [
            each for each in of_comments(name, comments, _KNOWN, certain) if each.rule.id in wanted
        ]
    return _in_order(shown)


def _is_open(hit: Hit) -> bool:
    """The value in question is yet to be put in, so that nothing is certain of it."""
    value: Any = hit.manifest.data
    for step in hit.path:
        try:
            value = value[step]
        except (LookupError, TypeError):
            return False
    return isinstance(value, str) and _VARIABLE.search(value) is not None


def _placed(rule: Rule, hit: Hit, text: FileText | None) -> Finding:
    source = hit.manifest.source
    field = None if text is None else text.find(hit.manifest, hit.path)
    line, column = (field.place.line, field.place.column) if field else (source.line, 1)
    message = hit.message
    if len(message) > _MAX_MESSAGE:
        message = f"{message[:_MAX_MESSAGE]}..."
    return Finding(
        rule,
        hit.severity or rule.severity,
        source.file,
        line,
        column if line else 0,
        str(hit.manifest),
        path_text(hit.path),
        message,
        hit.edit,
        hit.manifest,
    )


def _in_order(findings: Iterable[Finding]) -> list[Finding]:
    """By place, each once."""
    once = {_order(each): each for each in findings}
    return [once[key] for key in sorted(once)]


def _order(finding: Finding) -> tuple[str, int, int, str, str, str]:
    return (
        finding.file,
        finding.line,
        finding.column,
        finding.rule.id,
        finding.target,
        finding.path + finding.message,
    )
