"""Calico's own policies: beyond what is judged here, so an answer says where they may matter. Pure.

They are enforced by Calico alone; under Cilium they have no effect. What is given may be of either.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.cilium.evaluation import Pod
from homelab_netpol.manifests import Manifest
from homelab_netpol.manifests.kinds import CALICO_GROUPS

_KINDS = ("NetworkPolicy", "GlobalNetworkPolicy")
# `key == 'value'`, `has(key)` and `all()`, joined by `&&`; all else is not judged.
_EQUAL = re.compile(r"""([\w./-]+)\s*==\s*(['"])([\w./-]*)\2""")
_HAS = re.compile(r"has\(\s*([\w./-]+)\s*\)")
_NAMESPACE = "projectcalico.org/namespace"
_NAME = "projectcalico.org/name"
_SHOWN = 3


def calico_policies(model: ClusterModel) -> list[Manifest]:
    """All of them that are given."""
    return [
        each
        for group in CALICO_GROUPS
        for kind in _KINDS
        for each in model.manifests.of(kind, group)
    ]


def counted(model: ClusterModel) -> str:
    """How many there are of each kind, in words; "": none."""
    found = calico_policies(model)
    counts = {kind: sum(each.kind == kind for each in found) for kind in _KINDS}
    return " and ".join(f"{count} {kind}" for kind, count in counts.items() if count)


def selecting(model: ClusterModel, pod: Pod) -> Iterator[Manifest]:
    """Those that select a pod, or may."""
    labels = {**pod.labels, _NAMESPACE: pod.namespace}
    of_namespace = {**(pod.namespace_labels or {}), _NAME: pod.namespace}
    for policy in calico_policies(model):
        if policy.namespace and policy.namespace != pod.namespace:
            continue
        spec = policy.data.get("spec")
        fields: Mapping[str, Any] = spec if isinstance(spec, Mapping) else {}
        answers = (
            _selects(fields.get("selector"), labels, complete=pod.complete),
            _selects(fields.get("namespaceSelector"), of_namespace, complete=True),
        )
        if False not in answers:
            yield policy


def _selects(selector: Any, labels: Mapping[str, str], *, complete: bool) -> bool | None:
    """Whether a selector of Calico's selects labels; None: not judged."""
    if selector in (None, "", "all()"):
        return True
    answers: list[bool | None] = []
    for part in str(selector).split("&&"):
        equal, has = _EQUAL.fullmatch(part.strip()), _HAS.fullmatch(part.strip())
        if equal is not None:
            answers.append(labels.get(equal[1]) == equal[3])
        elif has is not None:
            answers.append(has[1] in labels)
        else:
            answers.append(None if part.strip() != "all()" else True)
    if False in answers:
        return False if complete else None
    return None if None in answers else True


def why_beyond(model: ClusterModel, pods: Iterable[Pod]) -> str:
    """Why other policies alone give no certain answer for some pods; "": they do."""
    found = sorted({str(policy) for pod in pods for policy in selecting(model, pod)})
    if not found:
        return ""
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    named = ", ".join(found[:_SHOWN]) + more
    return f"Calico's own policies select an end, and are not judged here: {named}"
