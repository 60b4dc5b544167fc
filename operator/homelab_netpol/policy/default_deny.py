"""Whether a Cilium policy switches on default deny, and the same policy without. Pure.

Cilium's rule: in each direction `enableDefaultDeny` decides, and without it a section that is not
empty switches default deny on (policy/api, 1.20).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from homelab_netpol.cilium.terms import NAMESPACE_KEY, SOURCE_K8S

Body = Mapping[str, Any]

_SECTIONS = {"ingress": ("ingress", "ingressDeny"), "egress": ("egress", "egressDeny")}
NAMESPACE_LABEL = f"{SOURCE_K8S}:{NAMESPACE_KEY}"
_OFF = dict.fromkeys(_SECTIONS, False)


def rule_sets(body: Body) -> Iterator[Mapping[str, Any]]:
    """The rules under `spec`, and each item of `specs`."""
    if body.get("spec") is not None:
        yield body["spec"]
    yield from body.get("specs") or ()


def has_default_deny(rules: Mapping[str, Any]) -> bool:
    """A rule set denies, in some direction, what nothing allows."""
    explicit = rules.get("enableDefaultDeny") or {}
    for direction, sections in _SECTIONS.items():
        enabled = explicit.get(direction)
        if enabled is None:
            enabled = any(rules.get(section) for section in sections)
        if enabled:
            return True
    return False


def has_deny_rules(rules: Mapping[str, Any]) -> bool:
    """A rule set has rules that deny, which win over what other policies allow."""
    return bool(rules.get("ingressDeny") or rules.get("egressDeny"))


def namespaces_spared(body: Body) -> frozenset[str] | None:
    """Whom the default deny of a clusterwide policy spares, that is for pods of all namespaces.

    Read from the rules that stand, as an edit of a label or an annotation does not open a
    cluster by that.

    Returns:
        The namespaces that it leaves out by name; None: it denies to no pods of all namespaces.
    """
    for rules in filter(has_default_deny, rule_sets(body)):
        selector = rules.get("endpointSelector") or {}
        expressions = selector.get("matchExpressions") or ()
        asked = {(each.get("key"), each.get("operator")) for each in expressions}
        everywhere = (NAMESPACE_LABEL, "Exists") in asked and not selector.get("matchLabels")
        if everywhere and {operator for _, operator in asked} <= {"Exists", "NotIn"}:
            return frozenset(
                name
                for each in expressions
                if each.get("key") == NAMESPACE_LABEL
                for name in each.get("values") or ()
            )
    return None


def without_default_deny(body: Body) -> dict[str, Any] | None:
    """The same rules with default deny switched off; None if it is off already."""
    if not any(has_default_deny(rules) for rules in rule_sets(body)):
        return None
    changed: dict[str, Any] = {}
    if body.get("spec") is not None:
        changed["spec"] = {**body["spec"], "enableDefaultDeny": _OFF}
    if body.get("specs") is not None:
        changed["specs"] = [{**rules, "enableDefaultDeny": _OFF} for rules in body["specs"]]
    return changed
