"""Whether a Cilium policy switches on default deny, and the same policy without. Pure.

Cilium's rule: in each direction `enableDefaultDeny` decides, and without it a section that is not
empty switches default deny on (policy/api, 1.20).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Body = Mapping[str, Any]

_SECTIONS = {"ingress": ("ingress", "ingressDeny"), "egress": ("egress", "egressDeny")}
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
