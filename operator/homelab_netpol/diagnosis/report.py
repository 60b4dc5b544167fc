"""A diagnosis in words and as data. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.explain_text import effect_words, fix_lines
from homelab_netpol.access.fixes import Change, Setting
from homelab_netpol.access.fixes_effects import Fix
from homelab_netpol.diagnosis.diagnosis import Diagnosis, Kind
from homelab_netpol.diagnosis.groups import Group
from homelab_netpol.flows import Read
from homelab_netpol.intent.deadline import format_moment

CELLS = ("count", "last", "drop", "cause", "do")
_MOST_PEERS = 3


def cells(diagnosis: Diagnosis) -> tuple[str, ...]:
    """A row of the table."""
    last = diagnosis.last
    return (
        f"{diagnosis.count:,}",
        f"{last:%H:%M:%S}" if last is not None else "",
        drop_words(diagnosis),
        cause_words(diagnosis),
        advice_words(diagnosis),
    )


def drop_words(diagnosis: Diagnosis) -> str:
    """What is dropped, and at which end."""
    named = list(dict.fromkeys(each.key.words for each in diagnosis.groups))
    more = f" and {len(named) - _MOST_PEERS} more" if len(named) > _MOST_PEERS else ""
    key = diagnosis.group.key
    at = f" ({key.direction.value} of {key.own.words})" if key.direction else ""
    return f"{', '.join(named[:_MOST_PEERS])}{more}{at}"


def cause_words(diagnosis: Diagnosis) -> str:
    """Why, after a word for what kind of drop it is."""
    if diagnosis.kind is Kind.MISSING:
        return diagnosis.cause
    return f"{diagnosis.kind.value}: {diagnosis.cause}"


def advice_words(diagnosis: Diagnosis) -> str:
    """What to do, on one line."""
    change = diagnosis.change
    if change is None:
        return diagnosis.advice or "no label, annotation or resource was found that allows it"
    words = "; ".join(_change_words(change))
    prefix = "if it should pass: " if diagnosis.kind is Kind.RIGHT else ""
    return f"{prefix}{words}" + (f" ({diagnosis.advice})" if diagnosis.advice else "")


def details(model: ClusterModel, diagnosis: Diagnosis) -> Iterator[str]:
    """All lines of one diagnosis, beside its row."""
    if diagnosis.group.examples:
        yield f"seen: {'; '.join(diagnosis.group.examples)}"
    if diagnosis.answer is not None and (diagnosis.change or not diagnosis.answer.fixes.written):
        yield from fix_lines(model, diagnosis.answer)
    if diagnosis.advice:
        yield diagnosis.advice
    for note in diagnosis.notes:
        yield f"Note: {note}"


def report_data(
    found: Sequence[Diagnosis], read: Read, others: int, gaps: Sequence[str]
) -> dict[str, Any]:
    """The whole for programs, stable."""
    data: dict[str, Any] = {
        "diagnoses": [diagnosis_data(each) for each in found],
        "read": {
            "flows": read.flows,
            "forwarded": read.forwarded,
            "events": read.events,
            "lost": read.lost,
            "notFlows": read.unreadable + read.others,
            "notShown": others,
        },
    }
    return {**data, "incomplete": list(gaps)} if gaps else data


def diagnosis_data(diagnosis: Diagnosis) -> dict[str, Any]:
    """One diagnosis, with its flows and what lets them pass."""
    key, fixes = diagnosis.group.key, None
    if diagnosis.answer is not None:
        fixes = diagnosis.answer.fixes
    return {
        "kind": diagnosis.kind.value,
        "count": diagnosis.count,
        "lastSeen": _moment(diagnosis.last),
        "direction": key.direction.value if key.direction is not None else None,
        "namespace": key.own.namespace or None,
        "reason": key.reason.name or None,
        "cause": diagnosis.cause,
        "advice": diagnosis.advice or None,
        "flows": [_group_data(each) for each in diagnosis.groups],
        "fix": fix_data(fixes.best) if fixes is not None and fixes.best is not None else None,
        "narrower": fix_data(fixes.narrower)
        if fixes is not None and fixes.narrower is not None
        else None,
        "notes": list(diagnosis.notes),
    }


def fix_data(fix: Fix) -> dict[str, Any]:
    """A proven change."""
    change = fix.change
    return {
        "labels": _settings(each for each in change.settings if not each.annotation),
        "annotations": _settings(each for each in change.settings if each.annotation),
        "objects": [dict(each) for each in change.objects],
        "denyRulesOf": [
            {"kind": ref.kind, "namespace": ref.namespace or None, "name": ref.name}
            for ref in change.undenied
        ],
        "opens": [effect_words(each) for each in fix.opens],
        "closes": [effect_words(each) for each in fix.closes],
    }


def _settings(settings: Iterable[Setting]) -> list[dict[str, str]]:
    return [
        {"namespace": each.namespace, "key": each.key, "value": each.value} for each in settings
    ]


def _group_data(group: Group) -> dict[str, Any]:
    key = group.key
    return {
        "source": key.source.words,
        "destination": key.destination.words,
        "port": key.port,
        "protocol": key.protocol or None,
        "verdict": key.verdict.value,
        "scan": key.is_scan,
        "count": group.count,
        "firstSeen": _moment(group.first),
        "lastSeen": _moment(group.last),
        "examples": list(group.examples),
    }


def _change_words(change: Change) -> Iterator[str]:
    for setting in change.settings:
        yield f"{setting.namespace}: {setting.key}={setting.value}"
    for each in change.objects:
        yield f"a {each['kind']} {each['metadata']['name']} (--fix prints it)"
    for ref in change.undenied:
        yield f"narrow the deny rules of {ref}"


def _moment(moment: datetime | None) -> str | None:
    return format_moment(moment) if moment is not None else None
