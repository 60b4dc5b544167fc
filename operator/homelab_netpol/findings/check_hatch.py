"""Deny rules and open hatches: joins what is known of each namespace for `DenyRules`."""

from __future__ import annotations

from collections.abc import Iterator

from homelab_netpol.findings.denials import DeniedNamespace, DenyRules, hatch_finding
from homelab_netpol.findings.finding import Finding
from homelab_netpol.findings.inspection import Inspection


def check(inspection: Inspection) -> Iterator[Finding | None]:
    """Finds the deny rules that win over hatches that are open; notes them for all the others."""
    deny_rules = DenyRules(inspection.places)
    for name in inspection.namespaces:
        intent = inspection.cache.intents.get(name)
        words = deny_rules.in_words(denied_namespace(inspection, name))
        if words:
            inspection.deny_rules[name] = words
            if intent is not None and intent.hatch_open:
                yield hatch_finding(name, words)
        yield None


def denied_namespace(inspection: Inspection, name: str) -> DeniedNamespace:
    """What is known of a namespace."""
    return DeniedNamespace(
        name,
        inspection.cache.namespaces.labels(name) or {},
        inspection.snapshot.pods.get(name, ()),
        inspection.overruling.get(name, ()),
    )
