"""What the table of tests/truth says of packets between the hosts of the homelab."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from itertools import product

from lab.datapath.packets import Probe
from tests.datapath.home import CLOSED, WORLD, Home
from tests.truth.table import Direction, Expectation, Setting, Table
from tests.truth.world import Endpoint, Namespace, Port, ports

# In a cluster whose API server is outside of it, its address is of the world as well, and here of
# the home network.
_ALSO = {"kube-apiserver": ("outside-address", "lan-address")}


class Expected:
    """Reads the table for the homelab."""

    def __init__(self, home: Home, table: Table) -> None:
        self._home = home
        self._table = table

    def between(
        self, own: Iterable[str], peers: Iterable[str], *changed: Namespace
    ) -> dict[Probe, bool]:
        """Both ways between hosts, by all ports that the table knows, and ICMP.

        Args:
            own: names of hosts.
            peers: names of the others.
            changed: what namespaces say now, if not what they said when they were made.
        """
        found: dict[Probe, bool] = {}
        # Anew each time: they remember what a namespace said.
        self._open = Expectation(self._table, Setting(WORLD))
        self._closed = Expectation(self._table, Setting(WORLD, own_policies=True))
        pairs = [pair for one, peer in product(own, peers) for pair in ((one, peer), (peer, one))]
        for source, target in pairs:
            if source != target:
                found |= self._of(source, target, {one.name: one for one in changed})
        return found

    def _of(self, source: str, target: str, changed: dict[str, Namespace]) -> dict[Probe, bool]:
        hosts = self._home.hosts
        opened = self._half("egress", source, target, changed)
        opened &= self._half("ingress", target, source, changed)
        found = {
            Probe(hosts[source], hosts[target], port.protocol, port.number): port in opened
            for port in ports()
        }
        # No rule of the vocabulary names ICMP: it passes where everything does.
        return found | {Probe(hosts[source], hosts[target], "ICMP"): opened == set(ports())}

    def _half(
        self, direction: Direction, own: str, peer: str, changed: dict[str, Namespace]
    ) -> frozenset[Port]:
        """The ports that one end's own policies leave open; who is no pod has none."""
        ends = [self._endpoint(own, changed), self._endpoint(peer, changed)]
        if ends[0].namespace is None:
            return frozenset(ports())
        closed = ends[0].namespace.name in CLOSED
        expectation = self._closed if closed else self._open
        found = expectation.open_ports(direction, *ends)
        for also in _ALSO.get(peer, ()):
            found |= expectation.open_ports(direction, ends[0], self._home.endpoints[also])
        return found

    def _endpoint(self, name: str, changed: dict[str, Namespace]) -> Endpoint:
        endpoint = self._home.endpoints[name]
        if endpoint.namespace is not None and endpoint.namespace.name in changed:
            return dataclasses.replace(endpoint, namespace=changed[endpoint.namespace.name])
        return endpoint
