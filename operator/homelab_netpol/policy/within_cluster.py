"""Has the peer selectors of a policy mean the pods of one cluster of a cluster mesh. Pure.

Before Cilium 1.19 a selector that names no cluster means the pods of all of them, unless the agents
are configured otherwise; since then it means this cluster's, which is what is written here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from homelab_netpol.cilium.selectors import read_selector
from homelab_netpol.cilium.terms import CLUSTER_KEY, SOURCE_K8S, SOURCE_RESERVED

# Not those of deny rules: what they deny to pods of other clusters as well stays denied.
_PEERS = {"ingress": "fromEndpoints", "egress": "toEndpoints"}


def within_cluster(body: Mapping[str, Any], cluster: str) -> dict[str, Any]:
    """The same policy, with the pods of one cluster alone as peers.

    What says itself which clusters it means stays as it is. So does what means no pods in
    particular, by reserved labels: Cilium names no cluster there either.

    Args:
        body: `{"spec": ...}` or `{"specs": [...]}`, valid; it is not changed.
        cluster: its name.
    """
    within: dict[str, Any] = {}
    if "spec" in body:
        within["spec"] = _rules_within(body["spec"], cluster)
    if "specs" in body:
        within["specs"] = [_rules_within(each, cluster) for each in body["specs"]]
    return within


def _rules_within(spec: Mapping[str, Any], cluster: str) -> dict[str, Any]:
    changed = {}
    for direction, peers in _PEERS.items():
        rules = spec.get(direction)
        if rules:
            changed[direction] = [
                {**rule, peers: [_selector_within(each, cluster) for each in rule[peers]]}
                if rule.get(peers)
                else rule
                for rule in rules
            ]
    return {**spec, **changed}


def _selector_within(selector: Mapping[str, Any], cluster: str) -> Mapping[str, Any]:
    requirements = read_selector(selector).requirements
    if any(one.key == CLUSTER_KEY for one in requirements):
        return selector
    is_reserved = any(one.source == SOURCE_RESERVED for one in requirements)
    if is_reserved and not any(
        one.is_of_pods and not one.operator.is_negative for one in requirements
    ):
        return selector
    labels = {**(selector.get("matchLabels") or {}), f"{SOURCE_K8S}:{CLUSTER_KEY}": cluster}
    return {**selector, "matchLabels": labels}
