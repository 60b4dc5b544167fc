"""Whom the rules of pods name in particular: Namespaces, networks, DNS names. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from homelab_netpol.access.edge import Node, NodeKind
from homelab_netpol.access.edge_ends import ANY_POD, EdgeEnds, Outside, Pods
from homelab_netpol.access.open_ports import OpenPorts
from homelab_netpol.cilium.evaluation import Direction, Name, Network
from homelab_netpol.cilium.evaluation.matchers import Cidr, DnsNames, EndpointSelector, Matcher


class NamedNamespaces:
    """Finds the Namespaces of which a rule means some pods otherwise than those nobody names."""

    def __init__(self, ends: EdgeEnds, open_ports: OpenPorts) -> None:
        self._ends = ends
        self._open = open_ports
        self._known: dict[Matcher, frozenset[str]] = {}

    def by(self, pods: Pods, direction: Direction) -> set[str]:
        """Those that the rules of some pods name as the other end."""
        found: set[str] = set()
        for one in self._open.rules(pods.pod, direction):
            for matcher in one.rule.peers:
                found |= self._named(matcher)
        return found

    def _named(self, matcher: Matcher) -> frozenset[str]:
        if matcher not in self._known:
            self._known[matcher] = frozenset(self._looked_for(matcher))
        return self._known[matcher]

    def _looked_for(self, matcher: Matcher) -> Iterator[str]:
        otherwise = matcher.matches(ANY_POD)
        only = matcher.namespaces if isinstance(matcher, EndpointSelector) else None
        names = only if otherwise is False else None
        for name in self._ends.pods.keys() if names is None else names:
            pods = self._ends.pods.get(name, ())
            if any(matcher.matches(each.pod) is not otherwise for each in pods):
                yield name


def named_outside(open_ports: OpenPorts, pods: Pods, direction: Direction) -> list[Outside]:
    """The networks and DNS names that rules of some pods allow by name."""
    found: dict[str, Outside] = {}
    for one in open_ports.rules(pods.pod, direction):
        for matcher in one.rule.peers if one.rule.allows else ():
            if isinstance(matcher, Cidr) and matcher.network.prefixlen:
                text = str(matcher.network)
                node = Node(f"network/{text}", NodeKind.NETWORK, text)
                found[text] = Outside(node, (Network(matcher.network),), (direction,))
            elif isinstance(matcher, DnsNames):
                for name in matcher.names:
                    node = Node(f"name/{name}", NodeKind.NAME, name)
                    example = Name(name.replace("*", "example"))
                    found[name] = Outside(node, (example,), (direction,))
    return list(found.values())
