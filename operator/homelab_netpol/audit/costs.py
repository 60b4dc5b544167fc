"""What policies cost Cilium: identities that rules select, and entries of policy maps. Pure.

Each endpoint has a policy map: an entry for each identity, protocol and port (of a range, each of
the prefixes that make it up) that its rules allow or deny. It has room for `bpf-policy-map-max`
entries, 16,384 by default (package `policymap` of Cilium 1.20, and the row Policy in
https://docs.cilium.io/en/latest/network/ebpf/maps/); what does not fit is not enforced as written.
A cluster has numbers for identities from 1 to 65,535, of which 255 are reserved
(https://docs.cilium.io/en/stable/internals/security-identities/).

It is an estimate, mostly above the truth: Cilium leaves out entries that a broader one covers. Left
out here are addresses behind DNS names, as nobody knows how many there will be. The tests compare
it with Cilium's engine.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

import orjson

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.open_ports import OpenPorts
from homelab_netpol.audit.identities import EVERYTHING, Identities
from homelab_netpol.audit.result import Costs
from homelab_netpol.cilium.evaluation import Direction, Pod, PolicyRef
from homelab_netpol.cilium.evaluation.policy import PortSpan
from homelab_netpol.cilium.evaluation.verdict import Selected
from homelab_netpol.cilium.terms import LAST_PORT

IDENTITIES_MAX = 65_535
_EVERY_PORT = ("", 0, 0)
_Key = tuple[str, int, int]


class CostReader:
    """Estimates for one cluster."""

    def __init__(self, model: ClusterModel, open_ports: OpenPorts) -> None:
        self._model = model
        self._open = open_ports
        self._identities = Identities(model)
        self._sizes: dict[PolicyRef, tuple[int, int]] = {}

    @property
    def identities(self) -> int:
        """How many identities the cluster's pods have."""
        return self._identities.count

    def of(self, namespace: str) -> Costs:
        """What the policies of a Namespace's pods cost."""
        refs: set[PolicyRef] = set()
        identities = entries = 0
        for pod in self._identities.pods(namespace):
            rules = {way: self._open.rules(pod, way) for way in Direction}
            refs |= {one.ref for of_way in rules.values() for one in of_way}
            selected = self._selected(one for of_way in rules.values() for one in of_way)
            identities = max(identities, selected)
            entries = max(entries, sum(self.entries(pod, way) for way in Direction))
        sizes = [self._size(ref) for ref in refs]
        return Costs(
            len(refs),
            sum(size for size, _ in sizes),
            sum(rules for _, rules in sizes),
            identities,
            entries,
        )

    def entries(self, pod: Pod, direction: Direction) -> int:
        """The entries of a pod's policy map for a direction."""
        numbers: defaultdict[_Key, set[int]] = defaultdict(set)
        for one in self._open.rules(pod, direction):
            chosen = self._identities.selected(one.rule.peers)
            if chosen:
                for key in _keys(one.rule.ports):
                    numbers[key] |= chosen
        count = sum(len(chosen) * _prefixes(key) for key, chosen in numbers.items())
        if not self._open.is_closed(pod, direction):
            return count + len(EVERYTHING)
        # The pod's own node reaches it.
        return count + int(direction is Direction.INGRESS)

    def _selected(self, rules: Iterable[Selected]) -> int:
        chosen: frozenset[int] = frozenset()
        for one in rules:
            chosen |= self._identities.selected(one.rule.peers)
        return self._identities.count_of(chosen)

    def _size(self, ref: PolicyRef) -> tuple[int, int]:
        """Of a policy, its bytes and its rules."""
        if ref not in self._sizes:
            data: Mapping[str, object] = self._model.manifest_of(ref) or {}
            body = {key: data[key] for key in ("spec", "specs") if key in data}
            self._sizes[ref] = (len(orjson.dumps(body)), sum(1 for _ in _rules_of(body)))
        return self._sizes[ref]


def _rules_of(body: Mapping[str, object]) -> Iterator[object]:
    specs = body.get("specs")
    for spec in (body.get("spec"), *(specs if isinstance(specs, list) else ())):
        if isinstance(spec, Mapping):
            for section in ("ingress", "egress", "ingressDeny", "egressDeny"):
                rules = spec.get(section)
                yield from rules if isinstance(rules, list) else ()


def _keys(ports: tuple[PortSpan, ...] | None) -> list[_Key]:
    """The protocols and ports of a rule, as a policy map has them."""
    if ports is None:
        return [_EVERY_PORT]
    return [
        (protocol, span.first, span.last if span.doubt is None else span.first)
        for span in ports
        for protocol in span.protocols
    ]


def _prefixes(key: _Key) -> int:
    """How many entries a range of ports takes: one for each prefix that makes it up."""
    _, first, last = key
    if first in (0, 1) and last in (0, LAST_PORT):
        return 1 if first == 0 else 16
    count = 0
    while first <= last:
        size = first & -first or 1 << 16
        while first + size - 1 > last:
            size >>= 1
        first, count = first + size, count + 1
    return max(count, 1)
