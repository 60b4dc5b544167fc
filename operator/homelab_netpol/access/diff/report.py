"""A comparison as text, Markdown and JSON. Pure.

What a tree names goes to terminals and into comments of others: it is made harmless here.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from homelab_netpol.access.diff.difference import Example
from homelab_netpol.access.diff.result import (
    Fate,
    Line,
    NamespaceDiff,
    ObjectDiff,
    TreeDiff,
)
from homelab_netpol.access.diff.rules import OWN, SOME_OTHER
from homelab_netpol.access.diff.side import Object
from homelab_netpol.access.diff.words import join
from homelab_netpol.cilium.evaluation import Entity, Name, Network, Pod
from homelab_netpol.manifests.write import to_yaml
from homelab_netpol.printable import on_one_line

# GitHub takes no comment of more than 65,536 characters.
_LONGEST = 60_000
_MOST_STAYS = 12


def text_lines(diff: TreeDiff, *, objects: bool = False) -> Iterator[str]:
    """For a terminal: a Namespace, or several of which the same is said, and what changes for it.

    Lines begin with `+` for what is gained, `-` for what is lost, `=` for what changes no
    connection, `!` for what cannot be understood and `?` for what is not judged.

    Args:
        diff: the comparison.
        objects: the policies as well.
    """
    yield from _remarks(diff)
    for names, one in _alike(diff.namespaces):
        yield f"{', '.join(map(on_one_line, names))}{_headline(one)}"
        yield from (f"  {line}" for line in _lines(one))
        yield ""
    if objects:
        for each in diff.objects:
            yield from map(on_one_line, _unified(each))
            yield ""
    yield summary(diff)


def markdown(diff: TreeDiff, *, objects: bool = False) -> str:
    """For the comment of a pull request; cut where it gets too long for one."""
    parts = [f"### Network access: {_first_small(summary(diff))}"]
    remarks = list(_remarks(diff))
    if remarks:
        parts.append(_fenced(remarks))
    for names, one in _alike(diff.namespaces):
        named = ", ".join(f"`{_in_code(name)}`" for name in names)
        head = f"**{named}**"
        about = _headline(one)
        if about:
            head += f" `{_in_code(about.lstrip(': '))}`"
        lines = list(_lines(one))
        parts.append(f"{head}\n\n{_fenced(lines)}" if lines else head)
    if objects and diff.objects:
        body = [line for each in diff.objects for line in _unified(each)]
        count = _count(len(diff.objects), "policy", "policies")
        parts.append(f"<details><summary>{count}</summary>\n\n{_fenced(body)}\n\n</details>")
    text = ""
    for number, part in enumerate(parts):
        if len(text) + len(part) > _LONGEST:
            text += f"\n{len(parts) - number} parts more: too long for a comment.\n"
            break
        text += f"{part}\n\n"
    return text.rstrip() + "\n"


def as_json(diff: TreeDiff, *, objects: bool = False) -> dict[str, Any]:
    """As data, of which docs/review.md says what each field means."""
    found: dict[str, Any] = {
        "widens": diff.widens,
        "namespaces": [_namespace(each) for each in diff.namespaces],
        "objects": [
            {"object": each.name, "change": each.fate.value}
            | ({"before": each.before, "after": each.after} if objects else {})
            for each in diff.objects
        ],
        "problems": list(diff.problems),
        "unjudged": list(diff.unjudged),
        "incomplete": list(diff.gaps),
    }
    return found


def summary(diff: TreeDiff) -> str:
    """In one sentence."""
    found = diff.namespaces
    parts = []
    gaining = {each.name for each in found if each.gains}
    losing = {each.name for each in found if each.losses}
    for names, one, several in (
        (gaining - losing, "gains", "gain"),
        (losing - gaining, "loses", "lose"),
        (gaining & losing, "gains and loses", "gain and lose"),
    ):
        if names:
            verb = one if len(names) == 1 else several
            parts.append(f"{_count(len(names), 'Namespace', 'Namespaces')} {verb} access")
    problems = len(diff.problems) + sum(len(each.problems) for each in found)
    if problems:
        parts.append(f"{_count(problems, 'word', 'words')} cannot be understood")
    unjudged = len(diff.unjudged) + sum(len(each.unjudged) for each in found)
    if unjudged:
        parts.append(f"{_count(unjudged, 'change is', 'changes are')} not judged")
    if not parts:
        parts = ["No access changes"]
    text = f"{', '.join(parts)}."
    if diff.objects:
        differ = "policy differs" if len(diff.objects) == 1 else "policies differ"
        text += f" {len(diff.objects)} {differ}."
    if diff.gaps:
        text += " Not everything could be read."
    return text


def _in_code(text: str) -> str:
    return on_one_line(text).replace("`", "'")


def _fenced(lines: Sequence[str]) -> str:
    body = "\n".join(_in_code(line) for line in lines)
    return f"```diff\n{body}\n```"


def _alike(found: Iterable[NamespaceDiff]) -> Iterator[tuple[list[str], NamespaceDiff]]:
    """The Namespaces of which the same is said, with one of them."""
    groups: dict[object, tuple[list[str], NamespaceDiff]] = {}
    for each in found:
        groups.setdefault(each.says, ([], each))[0].append(each.name)
    yield from groups.values()


def _headline(one: NamespaceDiff) -> str:
    asked = [] if one.fate is Fate.CHANGED else [one.fate.value]
    asked += one.asked
    return f": {'; '.join(map(on_one_line, asked))}" if asked else ""


def _remarks(diff: TreeDiff) -> Iterator[str]:
    for sign, messages in (("!", diff.problems), ("?", diff.unjudged), ("?", diff.gaps)):
        for each in messages:
            yield f"{sign} {on_one_line(each)}"


def _lines(one: NamespaceDiff) -> Iterator[str]:
    for each in one.lines:
        yield f"{'+' if each.gain else '-'} {on_one_line(_sentence(each))}"
    for sign, messages in (("=", one.beside), ("!", one.problems), ("?", one.unjudged)):
        for message in messages:
            yield f"{sign} {on_one_line(message)}"


def _sentence(line: Line) -> str:
    text = f"{line.words} ({', '.join(line.by)})" if line.by else line.words
    if not line.still:
        return f"{text}; nothing is allowed there any more" if line.closes else text
    shown = list(line.still[:_MOST_STAYS])
    if len(line.still) > _MOST_STAYS:
        shown.append(f"{len(line.still) - _MOST_STAYS} more")
    return f"{text}; allowed from now on: {join(shown)}"


def _unified(each: ObjectDiff) -> Iterator[str]:
    before, after = map(_yaml_lines, (each.before, each.after))
    yield from difflib.unified_diff(before, after, each.name, each.name, lineterm="")


def _yaml_lines(manifest: Object | None) -> list[str]:
    if manifest is None:
        return []
    _, *lines = to_yaml([manifest]).splitlines()
    return lines


def _namespace(one: NamespaceDiff) -> dict[str, Any]:
    return {
        "namespace": one.name,
        "change": one.fate.value,
        "asked": list(one.asked),
        "gains": [_line(each) for each in one.gains],
        "losses": [_line(each) for each in one.losses],
        "withoutEffect": list(one.beside),
        "problems": list(one.problems),
        "unjudged": list(one.unjudged),
    }


def _line(line: Line) -> dict[str, Any]:
    found: dict[str, Any] = {
        "direction": line.direction,
        "peer": line.peer,
        "ports": [
            {"protocol": each.protocol, "name": each.name}
            if each.name
            else {"protocol": each.protocol, "port": each.first, "endPort": each.last}
            for each in line.difference.ports
        ],
        "pods": line.pods,
        "certain": line.certain,
        "someRequests": line.filtered,
        "because": list(line.by),
        "words": line.words,
        "example": _example(line.difference.example),
    }
    if line.still:
        found["allowedFromNowOn"] = list(line.still)
    return found


def _example(found: Example) -> dict[str, Any]:
    match found.peer:
        case Pod(namespace=namespace, labels=labels):
            where = {OWN: None, SOME_OTHER: "any other"}.get(namespace, namespace)
            peer: dict[str, Any] = {"namespace": where, "labels": dict(labels)}
        case Entity(name):
            peer = {"entity": name}
        case Network(network):
            peer = {"address": str(network.network_address)}
        case Name(name):
            peer = {"name": name}
    port = {"port": found.port, "protocol": found.protocol}
    before, after = found.before.name.lower(), found.after.name.lower()
    return {"pod": dict(found.pod), "peer": peer, **port, "before": before, "after": after}


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _first_small(text: str) -> str:
    return text[0].lower() + text[1:] if text[:1].isalpha() else text
