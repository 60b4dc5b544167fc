"""Peers of the settings in Cilium's words, as rules of a policy have them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from homelab_netpol.cilium.selectors import read_selector
from homelab_netpol.cilium.terms import NAMESPACE_KEY, NAMESPACE_LABELS_PREFIX, SOURCE_K8S
from homelab_netpol.settings import Mesh, Peer, Selector

# Holds for every pod, and for nothing else: Cilium's own endpoints have no namespace.
EVERY_POD = {"key": f"{SOURCE_K8S}:{NAMESPACE_KEY}", "operator": "Exists"}


def labels_selector(labels: Mapping[str, str]) -> dict[str, Any]:
    """Pods by their labels, in Cilium's words; a namespaced policy means those of its own."""
    return {"matchLabels": {f"{SOURCE_K8S}:{key}": value for key, value in labels.items()}}


def written_selector(selector: Selector) -> dict[str, Any]:
    """A selector of the settings in Cilium's words, with `matchLabels` and `matchExpressions`."""
    expressions: list[dict[str, Any]] = []
    for one in selector.match_expressions:
        written = {"key": f"{SOURCE_K8S}:{one.key}", "operator": one.operator}
        expressions.append({**written, "values": list(one.values)} if one.values else written)
    return {**labels_selector(selector.match_labels), "matchExpressions": expressions}


def endpoint_selector(peer: Peer) -> dict[str, Any] | None:
    """The selector of a peer's pods; None: it is no pods.

    Without a word about the namespace a namespaced policy would mean its own, so that one for
    pods of any namespace says so.
    """
    if peer.namespace is not None:
        return labels_selector({NAMESPACE_KEY: peer.namespace, **peer.pod_labels})
    if peer.selector is None:
        return None
    found = written_selector(peer.selector)
    if not any(one.is_of_namespace for one in read_selector(found).requirements):
        found["matchExpressions"].append(EVERY_POD)
    return {key: value for key, value in found.items() if value}


def with_expressions(
    selector: Mapping[str, Any], *expressions: Mapping[str, Any]
) -> dict[str, Any]:
    """A selector in Cilium's words that asks for more."""
    found = [*(selector.get("matchExpressions") or ()), *expressions]
    labels = selector.get("matchLabels")
    return {**({"matchLabels": labels} if labels else {}), "matchExpressions": found}


def in_mesh(selector: Mapping[str, Any], mesh: Mesh) -> dict[str, Any]:
    """Of the pods that a selector means, those of meshed namespaces."""
    label = f"{SOURCE_K8S}:{NAMESPACE_LABELS_PREFIX}{mesh.label}"
    return with_expressions(selector, {"key": label, "operator": "In", "values": [mesh.value]})


def peers_data(peers: Iterable[Peer]) -> dict[str, list[Any]]:
    """Peers as templates see them: `endpoints`, `entities` and `cidrs`, each once."""
    found: dict[str, list[Any]] = {"endpoints": [], "entities": [], "cidrs": []}
    for peer in peers:
        selector = endpoint_selector(peer)
        own = {
            "endpoints": [] if selector is None else [selector],
            "entities": peer.entities,
            "cidrs": peer.cidrs,
        }
        for kind, values in own.items():
            found[kind] += [each for each in values if each not in found[kind]]
    return found


def peer_rules(
    direction: str, peers: Iterable[Peer], ports: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Rules of a policy for peers, one for each kind of them; see `peers_data`.

    Args:
        direction: `from` or `to`.
        peers: the other ends.
        ports: the rules' `toPorts`.
    """
    data = peers_data(peers)
    kinds = {"Endpoints": "endpoints", "Entities": "entities", "CIDR": "cidrs"}
    return [
        {f"{direction}{kind}": data[name], "toPorts": list(ports)}
        for kind, name in kinds.items()
        if data[name]
    ]
