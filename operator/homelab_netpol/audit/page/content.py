"""What the page's templates show, read from an audit's document. Pure.

Nothing is required: a part that is missing or of another shape is left out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from homelab_netpol.audit.page.labels import LIMITS, STATES, TOTALS, WORDS
from homelab_netpol.audit.page.packing import packed
from homelab_netpol.cilium.terms import AMBIENT_PROBES_IPV6
from homelab_netpol.printable import on_one_line
from homelab_netpol.shapes import field, items, mapping, mappings, number, text

_RISKS = ("high", "medium", "low")
_UTC = re.compile(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::\d\d(?:\.\d+)?)?(?:Z|\+00:00)$")
_NEIGHBOURS = 8  # in a cell of the table; the details have all
_COSTLIEST = 10
_OUTSIDE = ("world", "lan", "any")
# Where kubelets and, in a mesh, ztunnel check from.
_PROBES = ("health", "host", "169.254.0.0/16", "169.254.7.127/32", AMBIENT_PROBES_IPV6)
_CHANGES = {"whoMayChange": "People and apps", "systemMayChange": "Parts of the cluster itself"}


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """Findings of one rule and one risk.

    Attributes:
        risk: high, medium or low.
        rule: the rule's name.
        what: what is so; "" where the findings differ in it.
        why: why it matters; likewise.
        do: what to do; likewise.
        found: the findings.
    """

    risk: str
    rule: str
    what: str
    why: str
    do: str
    found: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The other ends of a Namespace's connections, without what everybody has.

    Attributes:
        shown: the first of them by name.
        more: how many are not shown.
    """

    shown: Sequence[str]
    more: int


def content(document: Mapping[str, object]) -> dict[str, Any]:
    """The variables of the templates, with all text made printable."""
    audit = cleaned(document)
    spaces = mappings(audit, "namespaces")
    reached_by, reaches = _neighbours(audit)
    return {
        "data": {**audit, "access": packed(mapping(audit, "access"))},
        "source": text(audit, "source"),
        "generated": text(audit, "generatedAt"),
        "verdict": _verdict(audit),
        "problems": items(audit, "enforcement", "problems"),
        "enforcing": field(audit, "enforcement", "enforcing"),
        "states": _states(audit),
        "labels": STATES,
        "script_labels": {
            "states": STATES,
            "words": WORDS,
            "everybody": sorted(_everybodys(audit)),
        },
        "totals": _totals(audit),
        "risks": [(risk, number(audit, "summary", "risks", risk)) for risk in _RISKS],
        "first": _grouped(mappings(audit, "first")),
        "namespaces": spaces,
        "has_access": isinstance(field(audit, "access"), Mapping),
        "profiles": sorted({profile for each in spaces if (profile := text(each, "profile"))}),
        "reached_by": reached_by,
        "reaches": reaches,
        "changes": [
            (name, mappings(audit, key)) for key, name in _CHANGES.items() if items(audit, key)
        ],
        "changes_unread": "whoMayChange" in audit and audit["whoMayChange"] is None,
        "costliest": _costliest(spaces),
        "limits": [
            (LIMITS.get(key, key), _figure(value))
            for key, value in mapping(audit, "limits").items()
        ],
        "not_seen": items(audit, "notSeen"),
    }


def cleaned(value: object) -> Any:
    """A value as JSON holds it, its texts without characters that are not shown as they are.

    Such characters turn the direction of text or are no Unicode at all; each becomes its number.
    """
    if isinstance(value, str):
        return on_one_line(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {on_one_line(str(key)): cleaned(each) for key, each in value.items()}
    if isinstance(value, Iterable):
        return [cleaned(each) for each in value]
    return on_one_line(str(value))


def moment(value: object) -> str:
    """An RFC 3339 time in UTC as people read it; anything else stays as it is."""
    return _UTC.sub(r"\1 \2 UTC", str(value))


def _verdict(audit: Mapping[str, Any]) -> tuple[str, str]:
    """How serious it is, as a risk's name or "good", and a sentence."""
    if field(audit, "enforcement", "enforcing") is False:
        return "high", "Nothing enforces the policies: every pod may reach every other."
    counts = {risk: number(audit, "summary", "risks", risk) for risk in _RISKS}
    enforced = number(audit, "summary", "states", "enforced")
    total = number(audit, "summary", "namespaces")
    state = f"{enforced} of {total} Namespaces {'is' if enforced == 1 else 'are'} enforced"
    for risk in _RISKS:
        if counts[risk]:
            findings = "finding" if counts[risk] == 1 else "findings"
            return risk, f"{state}; {counts[risk]} {findings} of {risk} risk."
    return "good", f"{state}; no risk was found."


def _states(audit: Mapping[str, Any]) -> list[tuple[str, str, int]]:
    """Each state with its name and how many Namespaces are in it."""
    counts = mapping(audit, "summary", "states")
    keys = [*STATES, *(each for each in counts if each not in STATES)]
    return [
        (key, STATES.get(key, key), number(counts, key))
        for key in keys
        if number(counts, key) or key == "enforced"
    ]


def _totals(audit: Mapping[str, Any]) -> list[str]:
    summary = mapping(audit, "summary")
    found = []
    for key, (one, many) in TOTALS.items():
        if key in summary:
            count = summary[key]
            found.append(f"{_figure(count)} {one if count == 1 else many}")
    return found


def _figure(value: object) -> str:
    """A number for people; what was not read is told as unknown."""
    if value is None:
        return "unknown"
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def _grouped(findings: Iterable[Mapping[str, Any]]) -> list[FindingGroup]:
    """Findings by risk and rule, in the order of the document within a risk."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for each in findings:
        groups.setdefault((text(each, "risk"), text(each, "rule")), []).append(each)
    ordered = sorted(groups.items(), key=lambda entry: _rank(entry[0][0]))
    return [
        FindingGroup(
            risk, rule, _common(found, "what"), _common(found, "why"), _common(found, "do"), found
        )
        for (risk, rule), found in ordered
    ]


def _rank(risk: str) -> int:
    return _RISKS.index(risk) if risk in _RISKS else len(_RISKS)


def _common(found: Sequence[Mapping[str, Any]], key: str) -> str:
    values = {text(each, key) for each in found}
    return values.pop() if len(values) == 1 else ""


def _everybodys(audit: Mapping[str, Any]) -> set[str]:
    """The nodes that every profile and baseline is there for: DNS, probes, metrics."""
    return {
        text(node, "id")
        for node in mappings(audit, "access", "nodes")
        if text(node, "kind") in ("dns", "scraper") or text(node, "label") in _PROBES
    }


def _neighbours(audit: Mapping[str, Any]) -> tuple[dict[str, Neighbours], dict[str, Neighbours]]:
    """By Namespace: who reaches it, and whom it reaches, without what everybody has."""
    nodes = {text(each, "id"): each for each in mappings(audit, "access", "nodes")}
    everybodys = _everybodys(audit)
    inward: dict[str, dict[str, bool]] = {}
    outward: dict[str, dict[str, bool]] = {}
    for edge in mappings(audit, "access", "edges"):
        source, target, by = (text(edge, key) for key in ("from", "to", "by"))
        if by == "baseline" or (by == "profile" and not everybodys.isdisjoint((source, target))):
            continue
        is_certain = bool(items(edge, "ports")) or not items(edge, "unknown")
        for found, end, neighbour in ((inward, target, source), (outward, source, target)):
            ends = found.setdefault(end, {})
            ends[neighbour] = ends.get(neighbour, False) or is_certain
    # A Namespace's own pods once, as those that it reaches.
    for end, ends in inward.items():
        ends.pop(end, None)
    names = [text(each, "name") for each in mappings(audit, "namespaces")]
    return (
        {name: _first_of(f"ns/{name}", inward, nodes) for name in names},
        {name: _first_of(f"ns/{name}", outward, nodes) for name in names},
    )


def _first_of(
    own: str, found: Mapping[str, Mapping[str, bool]], nodes: Mapping[str, Mapping[str, Any]]
) -> Neighbours:
    """The first by name; what is outside of the cluster before all, so that it is never cut off."""
    names = []
    for end, is_certain in found.get(own, {}).items():
        node = nodes.get(end, {})
        label = "its own pods" if end == own else text(node, "label") or end
        is_inside = text(node, "kind") not in _OUTSIDE
        names.append((is_inside, label if is_certain else f"{label} (perhaps)"))
    ordered = [label for _, label in sorted(names)]
    return Neighbours(ordered[:_NEIGHBOURS], max(0, len(ordered) - _NEIGHBOURS))


def _costliest(spaces: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The Namespaces whose policies take most entries in Cilium's maps."""
    counted = [each for each in spaces if number(each, "policies", "count")]
    key = ("mapEntries", "identities", "bytes")
    counted.sort(key=lambda each: [-number(each, "policies", name) for name in key])
    return counted[:_COSTLIEST]
