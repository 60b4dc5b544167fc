"""Checks a whole policy body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from homelab_netpol.cilium import terms
from homelab_netpol.cilium.validation.fields import RULE
from homelab_netpol.cilium.validation.report import Nature, Report, RuleProblem
from homelab_netpol.cilium.validation.shapes import ListOf, did_you_mean

_PARTS = ("spec", "specs")
_RULES = ListOf(RULE, empty="an empty list is a policy without rules, which denies nothing")


def check_body(body: Mapping[str, Any], kind: str) -> list[RuleProblem]:
    """Finds what Cilium or the API server would reject, and what Cilium would read otherwise.

    Args:
        body: `{"spec": {...}}` or `{"specs": [...]}`, of JSON types.
        kind: CiliumNetworkPolicy or CiliumClusterwideNetworkPolicy.

    Returns:
        The problems in the order of the fields; none: the policy may be written. The checks are
        those of Cilium 1.20 (pkg/policy/api, Sanitize) and of the schema of its
        CustomResourceDefinitions.

    Raises:
        ValueError: the kind is none of Cilium's.
    """
    if kind not in (terms.CNP, terms.CCNP):
        raise ValueError(f"{kind} is no kind of Cilium's")
    report = Report()
    for key in body.keys() - set(_PARTS):
        message = f"no such field in a {kind}: {did_you_mean(key, _PARTS)}"
        report.add((None, str(key)), message, Nature.DROPPED)
    if not body.keys() & set(_PARTS):
        report.add(None, f"a {kind} without rules denies nothing: give `spec` or `specs`")
    if "spec" in body:
        RULE(body["spec"], (None, "spec"), report)
    if "specs" in body:
        _RULES(body["specs"], (None, "specs"), report)
    return report.problems
