"""The document of a large audit, with all that its page shows of a Namespace."""

from __future__ import annotations

from typing import Any

from bench.load.trees import name_of

Json = dict[str, Any]

_PROFILES = ("standard", "internal", "internal-egress", "isolated")
_RESOURCES = {
    "postgres": "5432/TCP",
    "dragonfly": "6379/TCP",
    "garage-s3": "3900/TCP",
    "kube-api": "6443/TCP",
}
_STATES = (*["enforced"] * 13, "hatch", "unlabelled", "platform", "platformIncomplete", "invalid")
_GATEWAYS = {
    "standard": ("internal", "external"),
    "internal": ("internal",),
    "internal-egress": ("internal",),
}
_RISK_OF = {
    "hatch": ("high", "HatchOpen", "The hatch is open."),
    "invalid": ("high", "LabelsInvalid", "A label holds a value that means nothing."),
    "unlabelled": ("medium", "NoProfile", "The Namespace has no profile."),
    "platformIncomplete": ("low", "PlatformIncomplete", "A policy lacks DNS egress."),
}


def audit_document(count: int) -> Json:
    """An audit of so many Namespaces, all states and words among them."""
    spaces = [_namespace(number) for number in range(count)]
    first = [found for each in spaces if (found := _finding(each))]
    states = [each["state"] for each in spaces]
    risks = [each["risk"] for each in first]
    return {
        "kind": "Audit",
        "version": 1,
        "generatedAt": "2026-11-28T02:00:00Z",
        "source": "cluster large",
        "summary": {
            "namespaces": count,
            "states": {state: states.count(state) for state in dict.fromkeys(_STATES)},
            "pods": sum(each["pods"] for each in spaces),
            "podsOutside": sum(len(each["podsOutside"]) for each in spaces),
            "policies": sum(each["policies"]["count"] for each in spaces),
            "risks": {risk: risks.count(risk) for risk in ("high", "medium", "low")},
        },
        "first": first,
        "namespaces": spaces,
        "access": {"nodes": _nodes(count), "edges": [*_edges(spaces)]},
        "enforcement": {"enforcing": True, "problems": []},
        "limits": {"policyMapMax": 16384, "policyMapEntries": 339, "identitiesMax": 65280},
        "whoMayChange": [
            {
                "subject": f"team-{number}",
                "kind": "Group",
                "namespace": name_of(number),
                "may": ["patch namespaces"],
                "through": f"RoleBinding/{name_of(number)}/owners",
            }
            for number in range(min(count, 40))
        ],
        "notSeen": ["Connections that were open before a policy came live on."],
    }


def _namespace(number: int) -> Json:
    state = _STATES[number % len(_STATES)]
    grants = [each for place, each in enumerate(_RESOURCES) if (number >> place) % 3 == 0]
    labelled = state in ("enforced", "hatch")
    closed = state not in ("hatch", "unlabelled", "invalid")
    outside = [{"pod": f"agent-{number}", "why": "host network"}] if number % 20 == 0 else []
    return {
        "name": name_of(number),
        "state": state,
        "since": "2026-11-20T10:00:00Z" if state == "hatch" else None,
        "until": None,
        "profile": _PROFILES[number % 4] if labelled else None,
        "grants": grants if labelled else [],
        "defaultDeny": {"ingress": closed, "egress": closed},
        "mtls": {
            "mode": "STRICT" if number % 3 else "none",
            "from": "",
            "authorizationPolicies": 0,
        },
        "pods": 1 + number % 7,
        "podsOutside": outside,
        "policies": {
            "count": 2 + number % 5,
            "bytes": 900 * (2 + number % 5),
            "rules": 4 + number % 9,
            "identities": 20 + number % 50,
            "mapEntries": 40 + number % 300,
        },
        "wider": [_wider(number)] if number % 25 == 0 else [],
    }


def _wider(number: int) -> Json:
    policy = f"CiliumNetworkPolicy/{name_of(number)}/by-hand"
    return {"object": policy, "what": "opens every port to the whole cluster"}


def _finding(space: Json) -> Json | None:
    if space["state"] not in _RISK_OF:
        return None
    risk, rule, what = _RISK_OF[space["state"]]
    name = space["name"]
    return {
        "risk": risk,
        "rule": rule,
        "namespace": name,
        "object": f"Namespace/{name}",
        "what": what,
        "why": "Until it is mended, more may connect than its owner wants.",
        "do": "Set the label in git.",
    }


def _nodes(count: int) -> list[Json]:
    others = [
        ("gateway/internal", "gateway", "internal gateway"),
        ("gateway/external", "gateway", "external gateway"),
        ("world", "world", "the world"),
        ("dns", "dns", "cluster DNS"),
        ("scraper", "scraper", "Prometheus"),
        ("entity/health", "entity", "probes"),
        ("lan", "lan", "192.168.0.0/16"),
        *((f"resource/{name}", "resource", name) for name in _RESOURCES),
    ]
    own = ((f"ns/{name_of(number)}", "namespace", name_of(number)) for number in range(count))
    return [{"id": each, "kind": kind, "label": label} for each, kind, label in (*others, *own)]


def _edges(spaces: list[Json]) -> list[Json]:
    found = []
    for number, space in enumerate(spaces):
        own, profile = f"ns/{space['name']}", space["profile"]
        found += [
            _edge(own, "dns", ["53/UDP", "53/TCP"], "baseline", "baseline-dns-egress"),
            _edge("scraper", own, [], "baseline", "baseline-prometheus-scrape"),
            _edge("entity/health", own, [], "baseline", "baseline-health-probes"),
        ]
        for gateway in _GATEWAYS.get(profile, ()):
            found.append(_edge(f"gateway/{gateway}", own, ["8080/TCP"], "profile", profile))
        if profile in ("standard", "internal-egress"):
            found.append(_edge(own, "world", ["443/TCP"], "profile", profile))
        for grant in space["grants"]:
            found.append(_edge(own, f"resource/{grant}", [_RESOURCES[grant]], "grant", grant))
        if number % 5 == 0:
            other = spaces[(number * 7 + 3) % len(spaces)]
            found.append(_edge(own, f"ns/{other['name']}", ["9000/TCP"], "policy", "by-hand"))
        if number % 40 == 0:
            found.append(_edge("lan", own, ["22/TCP"], "policy", "by-hand"))
        if space["state"] == "hatch":
            found.append(_edge("world", own, ["*/TCP", "*/UDP"], "hatch", ""))
    return found


def _edge(source: str, target: str, ports: list[str], by: str, word: str) -> Json:
    return {"from": source, "to": target, "ports": ports, "by": by, "word": word}
