"""A small audit by hand, with something of everything."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def small() -> Json:
    """Six Namespaces of a house, one of each state."""
    return {
        "kind": "Audit",
        "version": 1,
        "generatedAt": "2026-11-28T02:00:00Z",
        "source": "cluster home",
        "summary": {
            "namespaces": 6,
            "states": {
                "enforced": 2,
                "hatch": 1,
                "unlabelled": 1,
                "invalid": 0,
                "platform": 1,
                "platformIncomplete": 1,
            },
            "pods": 19,
            "podsOutside": 1,
            "policies": 14,
            "risks": {"high": 1, "medium": 1, "low": 1},
        },
        "first": [
            finding("high", "HatchOpen", "recipes", "The escape hatch is open since Monday."),
            finding("medium", "NoProfile", "wiki", "wiki has no profile."),
            finding("low", "PlatformIncomplete", "monitoring", "Its policy lacks DNS egress."),
        ],
        "namespaces": [
            namespace("photos", "enforced", "standard", ["postgres", "garage-s3"]),
            namespace("printers", "enforced", "isolated", []),
            namespace("recipes", "hatch", "internal", ["postgres"], since="2026-11-23T08:00:00Z"),
            namespace("wiki", "unlabelled", None, []),
            namespace("database", "platform", None, []),
            namespace("monitoring", "platformIncomplete", None, []),
        ],
        "access": {
            "nodes": [
                {"id": "gateway/external", "kind": "gateway", "label": "external gateway"},
                {"id": "gateway/internal", "kind": "gateway", "label": "internal gateway"},
                {"id": "world", "kind": "world", "label": "the world"},
                {"id": "lan", "kind": "lan", "label": "192.168.1.0/24"},
                {"id": "dns", "kind": "dns", "label": "cluster DNS"},
                {"id": "resource/garage-s3", "kind": "resource", "label": "garage-s3"},
                *(
                    {"id": f"ns/{name}", "kind": "namespace", "label": name}
                    for name in (
                        "photos",
                        "printers",
                        "recipes",
                        "wiki",
                        "database",
                        "monitoring",
                    )
                ),
            ],
            "edges": [
                edge("gateway/external", "ns/photos", ["8080/TCP"], "profile", "standard"),
                edge("gateway/internal", "ns/photos", ["8080/TCP"], "profile", "standard"),
                edge("ns/photos", "world", ["443/TCP"], "profile", "standard"),
                edge("ns/photos", "ns/database", ["5432/TCP"], "grant", "postgres"),
                edge("ns/photos", "resource/garage-s3", ["3900/TCP"], "grant", "garage-s3"),
                edge("world", "ns/recipes", ["*/TCP"], "hatch", ""),
                edge("ns/recipes", "world", ["*/TCP"], "hatch", ""),
                edge("lan", "ns/printers", ["631/TCP"], "policy", "by-hand"),
                edge("ns/photos", "dns", ["53/UDP"], "baseline", "baseline-dns-egress"),
                edge("ns/printers", "dns", ["53/UDP"], "baseline", "baseline-dns-egress"),
            ],
        },
        "enforcement": {"enforcing": True, "problems": []},
        "limits": {"policyMapMax": 16384, "policyMapEntries": 40},
        "whoMayChange": [
            {
                "subject": "system:masters",
                "kind": "Group",
                "namespace": None,
                "may": ["patch namespaces", "update namespaces"],
                "through": "ClusterRoleBinding/cluster-admin",
            }
        ],
        "notSeen": ["Traffic of pods on the host network."],
    }


def namespace(
    name: str, state: str, profile: str | None, grants: list[str], since: str | None = None
) -> Json:
    """A row of the audit."""
    closed = state not in ("hatch", "unlabelled")
    return {
        "name": name,
        "state": state,
        "since": since,
        "until": None,
        "profile": profile,
        "grants": grants,
        "defaultDeny": {"ingress": closed, "egress": closed},
        "mtls": {"mode": "STRICT", "from": "PeerAuthentication/istio-system/default"},
        "pods": 3,
        "podsOutside": [{"pod": "cups", "why": "host network"}] if name == "printers" else [],
        "policies": {"count": 3, "bytes": 2400, "rules": 5, "identities": 12, "mapEntries": 40},
        "wider": [{"object": "CiliumNetworkPolicy/by-hand", "what": "opens every port"}]
        if name == "printers"
        else [],
    }


def finding(risk: str, rule: str, name: str, what: str) -> Json:
    """Something to do."""
    return {
        "risk": risk,
        "rule": rule,
        "namespace": name,
        "object": f"Namespace/{name}",
        "what": what,
        "why": "More may connect than its owner wants.",
        "do": f"Label {name} in git.",
    }


def edge(source: str, target: str, ports: list[str], by: str, word: str) -> Json:
    """A connection that is allowed."""
    return {"from": source, "to": target, "ports": ports, "by": by, "word": word}
