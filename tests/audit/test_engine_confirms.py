"""What the audit says of a cluster, against Cilium's engine, in random clusters."""

from __future__ import annotations

import os
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.edge import AccessGraph, Edge
from homelab_netpol.access.edges import access_graph
from homelab_netpol.access.ends import Ports
from homelab_netpol.access.open_ports import OpenPorts
from homelab_netpol.audit.costs import CostReader
from homelab_netpol.cilium.evaluation import Direction, Doubt
from lab.control_plane import Engine
from tests.audit.crossing_worlds import crossing_model
from tests.audit.engine_worlds import (
    Asked,
    closed_directions,
    named_pods,
    passing,
    sizes,
)
from tests.dice import seeded
from tests.truth.explained_world import random_model
from tests.truth.random_policies import Generator

SEED = os.environ.get("VERDICT_SEED", "1")
WORLDS = int(os.environ.get("AUDIT_WORLDS", "40"))
# The shared resources whose pods are in a Namespace of these worlds, by their default settings.
RESOURCES = {"database": ("resource/postgres",), "cache": ("resource/dragonfly",)}
# All pods of this Namespace are a gateway.
NODES = {"istio-gateway": "gateway/internal"}


class Said:
    """What a graph says of a Namespace and another, port by port, as its documentation has it."""

    def __init__(self, graph: AccessGraph) -> None:
        self._edges: defaultdict[tuple[str, str], list[Edge]] = defaultdict(list)
        for edge in graph.edges:
            self._edges[edge.source, edge.target].append(edge)

    def open(self, asked: Asked, *, unknown: bool = False) -> bool:
        """Whether it is open; or whether that is said to be unknown."""
        source = NODES.get(asked.source, f"ns/{asked.source}")
        target = NODES.get(asked.target, f"ns/{asked.target}")
        ends = (target, *RESOURCES.get(asked.target, ()))
        direct = [each for end in ends for each in self._edges[source, end]]
        if _cover(direct, asked, unknown=unknown):
            return True
        out, into = self._edges[source, "any"], self._edges["any", target]
        if asked.source == asked.target or any(target in each.without for each in out):
            return False
        if not unknown:
            return _cover(out, asked) and _cover(into, asked)
        halves = [(_cover(half, asked), _cover(half, asked, unknown=True)) for half in (out, into)]
        return all(map(any, halves))


def _cover(edges: Iterable[Edge], asked: Asked, *, unknown: bool = False) -> bool:
    ranges: Iterable[Ports] = (
        ports for each in edges for ports in (each.unknown if unknown else each.ports)
    )
    return any(
        each.protocol == asked.protocol and each.first <= asked.port <= each.last for each in ranges
    )


def worlds(engine: Engine) -> Iterable[tuple[int, ClusterModel]]:
    """Random clusters, with their numbers."""
    for number in range(WORLDS):
        yield number, random_model(engine, Generator(f"{SEED}/audit/{number}"))


def _compare(engine: Engine, model: ClusterModel, where: str) -> Counter[str]:
    """Holds a graph against the engine, and counts what it says."""
    counted: Counter[str] = Counter()
    said = Said(access_graph(model))
    for asked, allowed in passing(engine, model).items():
        if said.open(asked):
            assert allowed, f"{where}: {asked}: the engine denies it, and there is an edge"
            counted["open"] += 1
        elif said.open(asked, unknown=True):
            counted["unknown"] += 1
        else:
            assert not allowed, f"{where}: {asked}: the engine allows it, and there is no edge"
            counted["closed"] += 1
    return counted


def test_an_edge_is_there_where_the_engine_lets_some_pods_through_and_nowhere_else(
    engine: Engine,
) -> None:
    counted: Counter[str] = Counter()
    for number, model in worlds(engine):
        counted += _compare(engine, model, f"VERDICT_SEED={SEED} world {number}")
    engine.policies([])
    assert counted["open"] > 20 * WORLDS, counted
    assert counted["closed"] > 20 * WORLDS, counted
    assert counted["unknown"] < counted.total() / 4, counted


def test_what_holds_for_any_namespace_leaves_out_those_that_are_named(engine: Engine) -> None:
    counted: Counter[str] = Counter()
    for number in range(WORLDS):
        model = crossing_model(seeded(f"{SEED}/crossing/{number}"))
        counted += _compare(engine, model, f"VERDICT_SEED={SEED} crossing {number}")
        graph = access_graph(model)
        counted["left out"] += sum(1 for each in graph.edges if each.without)
    engine.policies([])
    assert min(counted["open"], counted["closed"], counted["left out"]) > WORLDS, counted
    # A port by its name, of pods that nobody knows.
    assert counted["unknown"] < counted.total() / 20, counted


def test_default_deny_is_where_the_engine_denies_what_no_rule_names(engine: Engine) -> None:
    counted: Counter[bool] = Counter()
    for number, model in worlds(engine):
        pods, known = named_pods(model), OpenPorts(model)
        for name, expected in closed_directions(engine, model).items():
            pod = model.pod(pods[name])
            for direction, closed in zip(
                (Direction.INGRESS, Direction.EGRESS), expected, strict=True
            ):
                said = known.is_closed(pod, direction)
                where = f"VERDICT_SEED={SEED} world {number}: {name} {direction.value}"
                # What may be closed is not said to be.
                assert closed or not said, f"{where}: the engine denies nothing by default"
                if closed and not said:
                    doubts = {one.certainty for one in known.rules(pod, direction)}
                    assert doubts - {True}, f"{where}: the engine denies by default"
                counted[closed] += 1
    engine.policies([])
    assert min(counted[True], counted[False]) > WORLDS, counted


def test_policy_maps_are_hardly_larger_than_estimated_and_not_much_smaller(engine: Engine) -> None:
    shares: list[float] = []
    for number, model in worlds(engine):
        known, pods = OpenPorts(model), named_pods(model)
        costs = CostReader(model, known)
        for name, size in sizes(engine, model):
            pod = model.pod(pods[name])
            rules = [one for way in Direction for one in known.rules(pod, way)]
            # Of a policy that is not understood here, Cilium may.
            if any(one.certainty is Doubt.UNREADABLE for one in rules):
                continue
            estimate = sum(costs.entries(pod, way) for way in Direction)
            where = f"VERDICT_SEED={SEED} world {number}: {name}"
            assert estimate >= 0.8 * size, f"{where}: {size} entries, estimated {estimate}"
            shares.append(estimate / size)
    engine.policies([])
    assert statistics.median(shares) < 2
