"""An answer as data, for programs: the format of `-o json`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.ends import End, Ports
from homelab_netpol.access.explain_answer import Explanation, Part, Reason
from homelab_netpol.access.explain_text import commands
from homelab_netpol.access.fixes_effects import Effect, Fix
from homelab_netpol.access.reach_rows import Row
from homelab_netpol.manifests import kinds


def answer_data(model: ClusterModel, answer: Explanation) -> dict[str, Any]:
    """The answer to one question."""
    fixes = answer.fixes
    found = [each for each in (fixes.best, fixes.narrower) if each is not None]
    return {
        "answer": answer.reply.value,
        "from": _end(answer.ruling.source),
        "to": _end(answer.ruling.target),
        "ports": ports_data(answer.ruling.asked),
        "parts": [_part(each) for each in answer.parts],
        "fixes": [_fix(model, each) for each in found],
        "escapeHatch": list(fixes.hatch),
        "policiesAreThoseOfLabels": fixes.written,
        "notes": [*([answer.beyond] if answer.beyond else []), *answer.notes],
        "incomplete": list(model.manifests.gaps),
    }


def reach_data(model: ClusterModel, namespace: str, rows: Iterable[Row]) -> dict[str, Any]:
    """All that a Namespace may reach, and be reached by."""
    return {
        "namespace": namespace,
        "ways": [
            {
                "direction": row.direction.value,
                "pods": list(row.pods),
                "peers": list(row.peers),
                "ports": ports_data(row.ports),
                "unknownPorts": ports_data(row.unknown),
                "policies": list(row.policies),
            }
            for row in rows
        ],
        "incomplete": list(model.manifests.gaps),
    }


def ports_data(ports: Sequence[Ports]) -> list[dict[str, Any]]:
    """Ports, each with its first and last number."""
    return [{"protocol": each.protocol, "first": each.first, "last": each.last} for each in ports]


def _end(end: End) -> dict[str, Any]:
    return {"name": end.words, "parts": [each.words for each in end.members]}


def _part(part: Part) -> dict[str, Any]:
    return {
        "from": list(part.sources),
        "to": list(part.targets),
        "ports": ports_data(part.ports),
        "outcome": part.outcome.value,
        "ends": [_reason(each) for each in part.reasons],
    }


def _reason(reason: Reason) -> dict[str, Any]:
    return {
        "direction": reason.direction.value,
        "of": reason.end,
        "outcome": reason.outcome.value,
        "byDenyRule": reason.by_deny_rule,
        "onlySomeRequests": reason.filtered,
        "cause": reason.cause,
        "policies": [
            {
                "kind": each.ref.kind,
                "namespace": each.ref.namespace,
                "name": each.ref.name,
                "ofTheOperator": each.own,
                "rules": list(each.places),
                "source": each.source,
            }
            for each in reason.policies
        ],
    }


def _fix(model: ClusterModel, fix: Fix) -> dict[str, Any]:
    change = fix.change
    typed: list[str] = []
    for name in dict.fromkeys(each.namespace for each in change.settings):
        given = model.manifests.get(kinds.NAMESPACE, name)
        old = {**given.labels, **given.annotations} if given is not None else {}
        typed += commands([each for each in change.settings if each.namespace == name], old)
    return {
        "settings": [
            {
                "namespace": each.namespace,
                "in": "annotations" if each.annotation else "labels",
                "key": each.key,
                "value": each.value,
            }
            for each in change.settings
        ],
        "objects": [dict(each) for each in change.objects],
        "withoutDenyRulesOf": [
            {"kind": ref.kind, "namespace": ref.namespace, "name": ref.name}
            for ref in change.undenied
        ],
        "commands": typed,
        "alsoOpens": [_effect(each) for each in fix.opens],
        "alsoCloses": [_effect(each) for each in fix.closes],
    }


def _effect(effect: Effect) -> dict[str, Any]:
    return {
        "namespace": effect.namespace,
        "direction": effect.direction.value,
        "peer": effect.peer,
        "ports": ports_data(effect.ports),
    }
