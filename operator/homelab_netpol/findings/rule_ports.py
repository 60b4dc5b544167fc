"""The ports that rules of a NetworkProfile open, and to which pods. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from homelab_netpol.cilium.selectors import read_selector
from homelab_netpol.cilium.terms import ANY_PROTOCOL, NAMESPACE_KEY, TRANSPORT_PROTOCOLS
from homelab_netpol.findings.ports import GrantedPort
from homelab_netpol.policy.mesh import namespaces_of

Rule = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OpenedPeers:
    """Pods of one other namespace, and the ports that a rule opens to them.

    Attributes:
        namespace: where they are.
        selectors: each chooses some of them.
        ports: as numbers; empty: all, or some are given by name.
    """

    namespace: str
    selectors: tuple[Mapping[str, Any], ...]
    ports: tuple[GrantedPort, ...]

    def selects(self, labels: Mapping[str, str]) -> bool:
        """Whether a pod of the namespace with these labels is one of them."""
        own = {**labels, NAMESPACE_KEY: self.namespace}
        return any(read_selector(selector).matches(own) for selector in self.selectors)


def opened_by(rules: Iterable[Rule]) -> tuple[GrantedPort, ...]:
    """The ports that rules list by number; empty if one of them opens more than it lists."""
    found: dict[GrantedPort, None] = {}
    for rule in rules:
        if rule.get("icmps"):
            continue
        listed = [port for item in rule.get("toPorts") or () for port in item.get("ports") or ()]
        if not listed or any(not str(port.get("port", "")).isdigit() for port in listed):
            return ()
        for port in listed:
            found |= dict.fromkeys(_numbered(port))
    return () if any(port.number == 0 for port in found) else tuple(found)


def peers_elsewhere(egress: Iterable[Rule]) -> Iterator[OpenedPeers]:
    """The pods of one other namespace that each rule is about, where it is about one only."""
    for rule in egress:
        selectors = tuple(rule.get("toEndpoints") or ())
        names = {name for selector in selectors for name in namespaces_of(selector, "")}
        if len(names) == 1 and "" not in names:
            yield OpenedPeers(names.pop(), selectors, opened_by([rule]))


def _numbered(port: Mapping[str, Any]) -> Iterator[GrantedPort]:
    number, end = int(port["port"]), port.get("endPort")
    protocol = port.get("protocol", ANY_PROTOCOL)
    for each in TRANSPORT_PROTOCOLS if protocol == ANY_PROTOCOL else (protocol,):
        yield GrantedPort(number, end if isinstance(end, int) and end else None, each)
