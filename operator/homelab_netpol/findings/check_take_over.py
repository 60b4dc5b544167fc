"""Policies that their owners hand over, and that the operator has no use for."""

from __future__ import annotations

from collections.abc import Iterator

from homelab_netpol.cilium.evaluation import PolicyRef
from homelab_netpol.findings.finding import Finding, FindingReason
from homelab_netpol.findings.inspection import Inspection
from homelab_netpol.policy.keys import CILIUM_KINDS, PolicyKey, owner_of


def check(inspection: Inspection) -> Iterator[Finding | None]:
    """Finds the annotation by which a policy is handed over where it does nothing.

    Of a policy whose name is wanted now, the writer reports.
    """
    annotation = inspection.cache.label_keys.take_over
    for ref, noted in inspection.snapshot.annotations.items():
        if annotation in noted:
            found = _useless(inspection, ref, annotation)
            if found is not None:
                clusterwide = ref if not ref.namespace else None
                reason = FindingReason.TAKE_OVER_IGNORED
                yield Finding(reason, ref.namespace, found, about=clusterwide)
        yield None


def _useless(inspection: Inspection, ref: PolicyRef, annotation: str) -> str | None:
    kind = next((kind for kind in CILIUM_KINDS if kind == ref.kind), None)
    key = PolicyKey(kind, ref.namespace, ref.name) if kind is not None else None
    if key is None or owner_of(key) is None:
        return (
            f"{ref} carries the annotation {annotation}, which does nothing there: the operator"
            " writes no policy of this kind and name. Take the annotation off."
        )
    if inspection.plans(key):
        return None
    return (
        f"{ref} carries the annotation {annotation}, and stays as it is for now: no label or"
        " setting asks for the operator's own policy of this name. It is taken over once one does;"
        " take the annotation off if that is not meant."
    )
