"""Which gateways rules of a profile let in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from homelab_netpol.cilium.selectors import selects
from homelab_netpol.cilium.terms import NAMESPACE_KEY
from homelab_netpol.intent import GATEWAYS
from homelab_netpol.policy.mesh import namespaces_of
from homelab_netpol.policy.peers import endpoint_selector
from homelab_netpol.settings import Gateways, Peer

Rule = Mapping[str, Any]


def gateways_named(ingress: Iterable[Rule], gateways: Gateways) -> frozenset[str]:
    """The gateways, `internal` or `external`, that rules name.

    A rule for every peer, or for all pods of the cluster, names none in particular; nor does one
    for an entity that is a gateway of both kinds name the pods that are of one.
    """
    rules = list(ingress)
    return frozenset(which for which in GATEWAYS if _any_named(rules, gateways.of(which)))


def peers_named(ingress: Iterable[Rule], peers: Iterable[Peer]) -> tuple[int, ...]:
    """The places in a list of gateways of those that rules name."""
    rules = list(ingress)
    return tuple(
        place for place, peer in enumerate(peers) if any(_names(rule, peer) for rule in rules)
    )


def _any_named(rules: Sequence[Rule], peers: Sequence[Peer]) -> bool:
    asked = [peer for peer in peers if peer.is_pods] or peers
    return any(_names(rule, peer) for rule in rules for peer in asked)


def _names(rule: Rule, peer: Peer) -> bool:
    if not set(peer.entities).isdisjoint(rule.get("fromEntities") or ()):
        return True
    if not set(peer.cidrs).isdisjoint(rule.get("fromCIDR") or ()):
        return True
    selectors = rule.get("fromEndpoints") or ()
    if peer.namespace is None:
        own = endpoint_selector(peer)
        return own is not None and own in selectors
    pod = {NAMESPACE_KEY: peer.namespace, **peer.pod_labels}
    return any(
        peer.namespace in namespaces_of(each, "") and selects(each, pod) for each in selectors
    )
