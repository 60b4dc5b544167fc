"""Who may talk to whom in a whole cluster, by Namespace: each edge passes at both ends. Pure.

`explain -n` judges one Namespace against everything. Here only those pairs of Namespaces are judged
of which a rule of one names the other; all other pairs are alike, and shown as `any`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.edge import AccessGraph, By, Edge, Node, NodeKind, Word
from homelab_netpol.access.edge_ends import (
    ANY,
    ANY_POD,
    EdgeEnds,
    Outside,
    Pods,
    namespace_node,
    resource_node,
)
from homelab_netpol.access.edge_peers import NamedNamespaces, named_outside
from homelab_netpol.access.edge_words import EdgeWords
from homelab_netpol.access.ends import Ports
from homelab_netpol.access.open_ports import OpenPorts, Run, allowed, both, common
from homelab_netpol.access.reach import beyond, joined
from homelab_netpol.cilium.evaluation import Direction, Outcome, PolicyRef

_Found = dict[Word, dict[Outcome, list[Ports]]]


def access_graph(model: ClusterModel, open_ports: OpenPorts | None = None) -> AccessGraph:
    """The graph of a cluster.

    Args:
        model: the cluster.
        open_ports: what has been judged of it before.
    """
    graph = _Graph(model, open_ports or OpenPorts(model))
    graph.add_outside()
    graph.add_any()
    graph.add_pairs()
    return graph.made()


class _Graph:
    """Collects the edges of one cluster."""

    def __init__(self, model: ClusterModel, open_ports: OpenPorts) -> None:
        self._open = open_ports
        self._words = EdgeWords(model)
        self._ends = EdgeEnds(model)
        self._named = NamedNamespaces(self._ends, open_ports)
        intents = model.desired.intents
        self._platform = {name for name, each in intents.items() if each.platform}
        self._nodes = {each.id: each for each in map(namespace_node, model.namespaces)}
        self._found: defaultdict[tuple[Node, Node], _Found] = defaultdict(_new)
        self._any: defaultdict[tuple[Node, Direction], list[Ports]] = defaultdict(list)
        self._without: defaultdict[str, set[str]] = defaultdict(set)

    def add_outside(self) -> None:
        """The edges of pods with what is no pod."""
        for pods in self._all_pods():
            for direction in Direction:
                known: list[Ports] = []
                for end in self._ends.outside:
                    if direction in end.directions:
                        runs = self._add_half(pods, direction, end)
                        if end.node.kind is NodeKind.WORLD:
                            known = allowed(runs)
                for end in named_outside(self._open, pods, direction):
                    self._add_half(pods, direction, end, beside=known)

    def _add_half(
        self, pods: Pods, direction: Direction, end: Outside, beside: Sequence[Ports] = ()
    ) -> Sequence[Run]:
        """Adds an edge with something outside, but for ports that a better known end has."""
        runs = self._open.of(pods.pod, direction, end.endpoints)
        if beside and not beyond(allowed(runs), beside) and not _unknown(runs):
            return runs
        pair = (end.node, pods.node) if direction is Direction.INGRESS else (pods.node, end.node)
        for run in runs:
            word = self._words.of(run.policies)
            if end.node.id == "entity/host" and word.by is By.OPEN:
                continue  # so it is with every pod
            self._found[pair][word][run.outcome].append(run.ports)
        return runs

    def add_any(self) -> None:
        """What pods allow, at their end, with those that no rule names."""
        for pods in self._all_pods():
            for direction in Direction:
                runs = self._open.of(pods.pod, direction, (ANY_POD,))
                is_in = direction is Direction.INGRESS
                pair = (ANY, pods.node) if is_in else (pods.node, ANY)
                self._any[pods.node, direction] += allowed(runs)
                for run in runs:
                    word = self._words.of(run.policies)
                    self._found[pair][word][run.outcome].append(run.ports)

    def add_pairs(self) -> None:
        """The edges between Namespaces of which a rule of one names the other, and inside each."""
        pairs = {(name, name) for name in self._ends.pods}
        for name, classes in self._ends.pods.items():
            for pods in classes:
                pairs |= {(name, to) for to in self._named.by(pods, Direction.EGRESS)}
                pairs |= {(of, name) for of in self._named.by(pods, Direction.INGRESS)}
        for source, target in sorted(pairs):
            self._add_pair(source, target)

    def _add_pair(self, source: str, target: str) -> None:
        of_nodes: defaultdict[tuple[Node, Node], _Found] = defaultdict(_new)
        for one in self._ends.pods.get(source, ()):
            for other in self._ends.pods.get(target, ()):
                found = of_nodes[one.node, other.node]
                outward = self._open.of(one.pod, Direction.EGRESS, (other.pod,))
                inward = self._open.of(other.pod, Direction.INGRESS, (one.pod,)) if outward else ()
                for run, opposite, ports, outcome in both(outward, inward):
                    word = self._word(source, target, run.policies, opposite.policies)
                    found[word][outcome].append(ports)
        for (calling, called), found in of_nodes.items():
            self._add_found(calling, called, found, is_inside=source == target)

    def _word(
        self, source: str, target: str, outward: Iterable[PolicyRef], inward: Iterable[PolicyRef]
    ) -> Word:
        """That of the end whose owner asked for it: hardly ever the platform's."""
        if source in self._platform and target not in self._platform:
            return self._words.of_both(inward, outward)
        return self._words.of_both(outward, inward)

    def _add_found(self, one: Node, other: Node, found: _Found, *, is_inside: bool) -> None:
        direct = [ports for each in found.values() for ports in each.get(Outcome.ALLOWED, ())]
        if not is_inside:
            implied = _common(self._any[one, Direction.EGRESS], self._any[other, Direction.INGRESS])
            if beyond(implied, direct):
                self._without[one.id].add(other.id)
            elif not beyond(direct, implied) and not any(
                Outcome.UNKNOWN in each for each in found.values()
            ):
                return  # `any` says it
        for word, outcomes in found.items():
            to = other
            if word.by is By.GRANT and word.text in self._ends.resources:
                to = resource_node(word.text)
            for outcome, ports in outcomes.items():
                self._found[one, to][word][outcome] += ports

    def made(self) -> AccessGraph:
        """What was collected."""
        edges = []
        for (source, target), found in self._found.items():
            for word, outcomes in found.items():
                ports = joined(outcomes.get(Outcome.ALLOWED, ()))
                unknown = beyond(outcomes.get(Outcome.UNKNOWN, ()), ports)
                if ports or unknown:
                    without = self._without[source.id] if target == ANY else ()
                    edge = Edge(source.id, target.id, word, ports, unknown, tuple(sorted(without)))
                    edges.append(edge)
                    self._nodes |= {source.id: source, target.id: target}
        edges.sort(key=lambda each: (each.source, each.target, each.word.by, each.word.text))
        nodes = sorted(
            self._nodes.values(), key=lambda each: (list(NodeKind).index(each.kind), each)
        )
        return AccessGraph(tuple(nodes), tuple(edges))

    def _all_pods(self) -> Iterator[Pods]:
        for classes in self._ends.pods.values():
            yield from classes


def _new() -> _Found:
    return defaultdict(lambda: defaultdict(list))


def _unknown(runs: Iterable[Run]) -> bool:
    return any(run.outcome is Outcome.UNKNOWN for run in runs)


def _common(one: Iterable[Ports], other: Iterable[Ports]) -> list[Ports]:
    others = joined(other)
    found = (common(each, opposite) for each in joined(one) for opposite in others)
    return [ports for ports in found if ports is not None]
