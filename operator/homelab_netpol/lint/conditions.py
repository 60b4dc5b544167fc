"""Label selectors of policies as conditions on the labels that Cilium sees. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from homelab_netpol.cilium import terms
from homelab_netpol.cilium.evaluation import strict
from homelab_netpol.cilium.evaluation.matchers import EndpointSelector, select
from homelab_netpol.cilium.evaluation.policy import Unreadable
from homelab_netpol.cilium.selectors import Operator, Requirement


def requirements(selector: Any, source: str = terms.SOURCE_ANY) -> list[Requirement] | None:
    """The conditions of a selector; None: it is malformed."""
    try:
        return strict.requirements(selector, source)
    except (Unreadable, TypeError, ValueError):
        return None


def own_namespace(name: str) -> Requirement:
    """The condition that pods are in a namespace."""
    return Requirement(terms.SOURCE_K8S, terms.NAMESPACE_KEY, Operator.IN, (name,))


def endpoint_peer(found: list[Requirement], namespace: str) -> EndpointSelector:
    """The pods that a peer of Cilium's means, by its conditions and its policy's namespace."""
    if namespace and not any(one.is_of_namespace for one in found):
        return select([*found, own_namespace(namespace)], pods_only=True)
    return select(found, pods_only=True)


def network_policy_peer(peer: Mapping[str, Any], namespace: str) -> list[Requirement] | None:
    """The conditions on pods of a peer of a NetworkPolicy; None: it is an address, or malformed."""
    if peer.get("ipBlock") is not None or not peer:
        return None
    pods = requirements(peer.get("podSelector") or {}, terms.SOURCE_K8S)
    if pods is None:
        return None
    if peer.get("namespaceSelector") is None:
        return [*pods, own_namespace(namespace)]
    spaces = requirements(peer["namespaceSelector"], terms.SOURCE_K8S)
    if spaces is None:
        return None
    prefix = terms.NAMESPACE_LABELS_PREFIX
    return [
        *pods,
        *(
            Requirement(each.source, prefix + each.key, each.operator, each.values)
            for each in spaces
        ),
    ]
