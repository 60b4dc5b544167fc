"""Whether a Cilium policy switches on default deny, and the same policy without. Pure.

Cilium's rule: in each direction `enableDefaultDeny` decides, and where it says nothing, a section
that is not empty switches default deny on (policy/api, 1.20).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Body = Mapping[str, Any]

_SECTIONS = {"ingress": ("ingress", "ingressDeny"), "egress": ("egress", "egressDeny")}
_OFF = dict.fromkeys(_SECTIONS, False)


def rule_sets(body: Body) -> Iterator[Mapping[str, Any]]:
    """What stands under `spec`, and each item of `specs`."""
    if body.get("spec") is not None:
        yield body["spec"]
    yield from body.get("specs") or ()


def denies(rules: Mapping[str, Any]) -> bool:
    """One rule set denies, in some direction, what nothing allows."""
    said = rules.get("enableDefaultDeny") or {}
    for direction, sections in _SECTIONS.items():
        switched_on = said.get(direction)
        if switched_on is None:
            switched_on = any(rules.get(section) for section in sections)
        if switched_on:
            return True
    return False


def forbids(rules: Mapping[str, Any]) -> bool:
    """One rule set has rules that deny, which win over whatever others allow."""
    return bool(rules.get("ingressDeny") or rules.get("egressDeny"))


def without_default_deny(body: Body) -> dict[str, Any] | None:
    """The same rules, all of which stand, but for default deny; None if there was none."""
    if not any(denies(rules) for rules in rule_sets(body)):
        return None
    changed: dict[str, Any] = {}
    if body.get("spec") is not None:
        changed["spec"] = {**body["spec"], "enableDefaultDeny": _OFF}
    if body.get("specs") is not None:
        changed["specs"] = [{**rules, "enableDefaultDeny": _OFF} for rules in body["specs"]]
    return changed
