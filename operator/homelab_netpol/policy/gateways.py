"""Which gateways rules of a profile let in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from homelab_netpol.cilium.selectors import selects
from homelab_netpol.cilium.terms import NAMESPACE_KEY
from homelab_netpol.policy.keys import GATEWAYS
from homelab_netpol.policy.mesh import namespaces_of
from homelab_netpol.settings import Gateways


def gateways_named(ingress: Iterable[Mapping[str, Any]], gateways: Gateways) -> frozenset[str]:
    """The gateways, `internal` or `external`, that rules name.

    A rule for every peer, or for all pods of the cluster, names none in particular.
    """
    peers = [
        peer
        for rule in ingress
        for peer in rule.get("fromEndpoints") or ()
        if gateways.namespace in namespaces_of(peer, "")
    ]
    values = {"internal": gateways.internal, "external": gateways.external}
    pods = {
        which: {NAMESPACE_KEY: gateways.namespace, gateways.label: values[which]}
        for which in GATEWAYS
    }
    return frozenset(which for which in GATEWAYS if any(selects(p, pods[which]) for p in peers))
