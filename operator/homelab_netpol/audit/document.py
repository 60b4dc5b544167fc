"""An audit as the JSON document that docs/audit-report.md describes. Pure.

Names and meanings of version 1 stay; keys may be added. null stands for what could not be read.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from homelab_netpol.access.edge import AccessGraph, Edge
from homelab_netpol.access.ends import Ports
from homelab_netpol.audit.result import (
    Audit,
    Costs,
    MayChange,
    NamespaceAudit,
    Risk,
    Task,
    Wider,
)
from homelab_netpol.cilium.terms import LAST_PORT
from homelab_netpol.intent import format_moment

VERSION = 1


def document(audit: Audit) -> dict[str, Any]:
    """The document: JSON types only."""
    changes = audit.may_change
    return {
        "kind": "Audit",
        "version": VERSION,
        "generatedAt": format_moment(audit.at),
        "source": audit.source,
        "summary": _summary(audit),
        "first": [_task(each) for each in audit.tasks],
        "namespaces": [_namespace(each) for each in audit.namespaces],
        "wider": [_wider(each) for each in audit.wider],
        "access": _access(audit.graph) if audit.graph is not None else None,
        "enforcement": {
            "enforcing": audit.enforcing.enforcing,
            "problems": list(audit.enforcing.problems),
        },
        "limits": {
            "policyMapMax": audit.limits.policy_map_max,
            "policyMapEntries": audit.limits.map_entries,
            "identitiesMax": audit.limits.identities_max,
            "identities": audit.limits.identities,
        },
        "whoMayChange": _changes(changes, system=False),
        "systemMayChange": _changes(changes, system=True),
        "notSeen": list(audit.not_seen),
    }


def _summary(audit: Audit) -> dict[str, Any]:
    return {
        "namespaces": len(audit.namespaces),
        "states": {state.value: count for state, count in audit.states.items()},
        "pods": audit.pods,
        "podsOutside": audit.pods_outside,
        "policies": audit.policies,
        "risks": {risk.value: audit.count(risk) for risk in Risk},
    }


def _task(task: Task) -> dict[str, Any]:
    return {
        "risk": task.risk.value,
        "rule": task.rule,
        "namespace": task.namespace,
        "object": task.object,
        "what": task.what,
        "why": task.why,
        "do": task.do,
    }


def _namespace(each: NamespaceAudit) -> dict[str, Any]:
    labelled = each.labelled
    return {
        "name": each.name,
        "state": labelled.state.value,
        "since": _moment(labelled.since),
        "until": _moment(labelled.until),
        "profile": labelled.profile,
        "grants": list(labelled.grants),
        "problems": list(labelled.problems),
        "lacking": list(labelled.lacking),
        "defaultDeny": {"ingress": each.ingress_closed, "egress": each.egress_closed},
        "mtls": {
            "mode": each.mtls.mode.value,
            "from": each.mtls.source,
            "authorizationPolicies": each.mtls.authorization_policies,
        },
        "pods": each.pods,
        "podsOutside": [{"pod": one.pod, "why": one.why} for one in each.outside],
        "policies": _costs(each.costs) if each.costs is not None else None,
        "wider": [_wider(one) for one in each.wider],
    }


def _wider(wider: Wider) -> dict[str, str]:
    return {"object": wider.object, "what": wider.what, "rule": wider.rule}


def _moment(moment: datetime | None) -> str | None:
    return format_moment(moment) if moment is not None else None


def _costs(costs: Costs) -> dict[str, int]:
    return {
        "count": costs.count,
        "bytes": costs.bytes,
        "rules": costs.rules,
        "identities": costs.identities,
        "mapEntries": costs.map_entries,
    }


def _access(graph: AccessGraph) -> dict[str, Any]:
    return {
        "nodes": [
            {"id": each.id, "kind": each.kind.value, "label": each.label} for each in graph.nodes
        ],
        "edges": [_edge(each) for each in graph.edges],
    }


def _edge(edge: Edge) -> dict[str, Any]:
    return {
        "from": edge.source,
        "to": edge.target,
        "ports": list(_ports(edge.ports)),
        "unknown": list(_ports(edge.unknown)),
        "by": edge.word.by.value,
        "word": edge.word.text,
        "except": list(edge.without),
    }


def _ports(ports: Iterable[Ports]) -> Iterable[str]:
    """`443/TCP`, `1-1023/UDP`, `*/TCP` for every port of a protocol."""
    for each in ports:
        every = (each.first, each.last) == (1, LAST_PORT)
        yield f"*/{each.protocol}" if every else str(each)


def _changes(changes: Iterable[MayChange] | None, *, system: bool) -> list[dict[str, Any]] | None:
    if changes is None:
        return None
    return [
        {
            "subject": each.subject,
            "kind": each.kind,
            "namespace": each.namespace,
            "may": list(each.may),
            "through": each.through,
        }
        for each in changes
        if each.system is system
    ]
