"""Who may use which ports inside the mesh's tunnel, in the words that Istio has for it.

Cilium sees the tunnel's port only, between the pods that a profile or a grant connects; which ports
are used inside, Istio's proxy on the node decides by these rules. It knows a peer by its service
account and its namespace, and by nothing else: no pod labels, no labels of namespaces.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from homelab_netpol.policy.compose import EVERYBODY, NAMESPACE_KEY, keys_of, without_source

# Istio lists ports one by one. A longer range counts as all ports; Cilium still says for whom.
_MAX_PORTS = 1024


@dataclass(frozen=True, slots=True)
class Admission:
    """Peers in the mesh that may connect, and to which TCP ports.

    Attributes:
        namespaces: all pods of these; or
        principals: these service accounts, `*` for anybody in the mesh.
        ports: empty: every port.
    """

    namespaces: tuple[str, ...] = ()
    principals: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()

    def data(self) -> dict[str, Any]:
        """As templates see it."""
        ports = [str(port) for port in self.ports]
        return {"namespaces": self.namespaces, "principals": self.principals, "ports": ports}


def admissions_of(rules: Sequence[Mapping[str, Any]], own: str) -> Iterator[Admission]:
    """What ingress rules in Cilium's words let in through the tunnel.

    Only what Istio can say is: a rule for HTTP requests, for named ports, or for peers by labels of
    their namespace lets nobody in there.

    Args:
        rules: of a custom profile.
        own: the namespace that they are for.
    """
    for rule in rules:
        ports = _tcp_ports(rule)
        if ports is None:
            continue
        if EVERYBODY & set(rule.get("fromEntities") or ()):
            yield Admission(principals=("*",), ports=ports)
        names = {
            name
            for selector in rule.get("fromEndpoints") or ()
            for name in namespaces_of(selector, own)
        }
        if names:
            yield Admission(namespaces=tuple(sorted(names)), ports=ports)


def namespaces_of(selector: Mapping[str, Any], own: str) -> tuple[str, ...]:
    """The namespaces whose pods a selector of peers may select; none if that cannot be told."""
    keys = set(keys_of(selector))
    if NAMESPACE_KEY not in keys:
        about_labels = any(key.startswith("io.cilium.k8s.namespace.labels.") for key in keys)
        return () if about_labels else (own,)
    found: set[str] | None = None
    for key, value in (selector.get("matchLabels") or {}).items():
        if without_source(key) == NAMESPACE_KEY:
            found = {value}
    for expression in selector.get("matchExpressions") or ():
        if without_source(expression["key"]) != NAMESPACE_KEY:
            continue
        if expression.get("operator") != "In":
            return ()
        values = set(expression.get("values") or ())
        found = values if found is None else found & values
    return tuple(sorted(found or ()))


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
    """Empty: every port; None: none that Istio could be told."""
    items = rule.get("toPorts") or ()
    if rule.get("icmps"):
        return None
    found: list[dict[str, Any]] = []
    for item in items:
        for port in () if item.get("rules") else item.get("ports") or ():
            if port.get("protocol", "ANY") not in ("TCP", "ANY") or not port["port"].isdigit():
                continue
            if int(port["port"]) == 0:
                return ()
            found.append({**port, "port": int(port["port"]), "protocol": "TCP"})
    return () if not items else tcp_ports(found)
