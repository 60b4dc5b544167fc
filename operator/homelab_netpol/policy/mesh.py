"""Which peers may use which ports inside the mesh's tunnel, in Istio's terms.

Cilium sees the tunnel's port only, between the pods that a profile or a grant connects; which ports
are used inside, Istio's proxy on the node decides by these rules. It knows a peer by its service
account and its namespace, and by nothing else: no pod labels, no labels of namespaces.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from homelab_netpol.cilium.selectors import Operator, read_selector
from homelab_netpol.cilium.terms import POD_ENTITIES
from homelab_netpol.policy.compose import plain_tcp_ports

# Istio lists ports one by one. A longer range counts as all ports; Cilium still says for whom.
_MAX_PORTS = 1024


@dataclass(frozen=True, slots=True)
class AllowedPeers:
    """Peers in the mesh that may connect, and to which TCP ports.

    Attributes:
        namespaces: all pods of these; or
        principals: these service accounts; `*`: every peer in the mesh.
        ports: empty: every port.
    """

    namespaces: tuple[str, ...] = ()
    principals: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()

    def data(self) -> dict[str, Any]:
        """As templates see it."""
        ports = [str(port) for port in self.ports]
        return {"namespaces": self.namespaces, "principals": self.principals, "ports": ports}


def allowed_peers(rules: Sequence[Mapping[str, Any]], own: str) -> Iterator[AllowedPeers]:
    """The peers that ingress rules of Cilium's form allow through the tunnel.

    Only what Istio can express: a rule for HTTP requests, for named ports, or for peers by labels
    of their namespace allows none there.

    Args:
        rules: of a custom profile.
        own: the namespace that they are for.
    """
    for rule in rules:
        ports = _tcp_ports(rule)
        if ports is None:
            continue
        if POD_ENTITIES & set(rule.get("fromEntities") or ()):
            yield AllowedPeers(principals=("*",), ports=ports)
        names = {
            name
            for selector in rule.get("fromEndpoints") or ()
            for name in namespaces_of(selector, own)
        }
        if names:
            yield AllowedPeers(namespaces=tuple(sorted(names)), ports=ports)


def namespaces_of(selector: Mapping[str, Any], own: str) -> tuple[str, ...]:
    """The namespaces whose pods a selector of peers may select; none if it does not name them.

    Args:
        selector: a valid one.
        own: the namespace of its policy, which it means if it says nothing of namespaces.
    """
    about = [one for one in read_selector(selector).requirements if one.is_of_namespace]
    named = [one for one in about if one.is_of_namespace_name]
    if not named:
        return () if about else (own,)
    if any(one.operator is not Operator.IN for one in named):
        return ()
    return tuple(sorted(set.intersection(*(set(one.values) for one in named))))


def tcp_ports(ports: Sequence[Mapping[str, Any]]) -> tuple[int, ...] | None:
    """The TCP ports of a shared resource; None if it has none, empty for all of them."""
    found: set[int] = set()
    for each in ports:
        if each["protocol"] == "TCP":
            found.update(range(each["port"], (each.get("endPort") or each["port"]) + 1))
    if not found:
        return None
    return tuple(sorted(found)) if len(found) <= _MAX_PORTS else ()


def _tcp_ports(rule: Mapping[str, Any]) -> tuple[int, ...] | None:
    """Empty: every port; None: none that Istio can name."""
    if rule.get("icmps"):
        return None
    if not rule.get("toPorts"):
        return ()
    found = [
        {**port, "port": int(port["port"]), "protocol": "TCP"}
        for port in plain_tcp_ports(rule)
        if port["port"].isdigit()
    ]
    return () if any(port["port"] == 0 for port in found) else tcp_ports(found)
