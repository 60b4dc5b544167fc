"""Policies for clusters without Cilium never allow more, and no less where they say so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_network
from typing import Any

import pytest

from homelab_netpol.export import (
    Addresses,
    Exported,
    calico_policies,
    network_policies,
)
from homelab_netpol.policy.keys import CILIUM_KINDS
from lab.control_plane import Engine, Verdict
from tests.dice import seeded
from tests.worlds.elsewhere import (
    API_SERVER,
    CLUSTER_CIDRS,
    Host,
    calico_allows,
    hosts,
    kubernetes_allows,
)
from tests.worlds.flows import Expected, pick
from tests.worlds.judge import as_flow
from tests.worlds.oracle import Oracle
from tests.worlds.ports import Target
from tests.worlds.random_worlds import random_world
from tests.worlds.rendered import catalogue_of, enforce, people, policies_of
from tests.worlds.world import World

_WORLDS = 40

Json = Mapping[str, Any]
Allows = Callable[[Iterable[Json], Host, Host, Target, str], bool]
_KINDS: Mapping[str, tuple[Callable[..., Exported], Allows]] = {
    "kubernetes": (network_policies, kubernetes_allows),
    "calico": (calico_policies, calico_allows),
}
_ADDRESSES = Addresses(
    tuple(map(ip_network, CLUSTER_CIDRS)), (ip_network(API_SERVER),), cluster_name="default"
)


def exported(kind: str, world: World, around: Addresses = _ADDRESSES) -> Exported:
    """What is exported of a world."""
    labels = {name: space.labels for name, space in world.spaces.items()}
    keeps = catalogue_of(world).identity_labels
    addresses = replace(around, identity_labels=keeps)
    return _KINDS[kind][0](policies_of(world), labels, addresses)


@dataclass
class Judged:
    """Halves of flows in a world, each with whether Cilium allows it by the operator's policies.

    Attributes:
        world: with these policies in force.
        flows: with the verdicts.
    """

    world: World
    flows: list[tuple[Expected, Verdict]]

    @classmethod
    def make(cls, engine: Engine, seed: str) -> Judged:
        """The world of a seed, without what people wrote by hand, which is not exported."""
        world = replace(random_world(seeded(f"world {seed}")), hand_made=())
        flows = pick(Oracle(world), seeded(f"flows {seed}"), 500, 80)
        people(engine, world)
        enforce(engine, world, policies_of(world))
        verdicts = engine.verdicts(map(as_flow, flows))
        return cls(world, list(zip(flows, verdicts, strict=True)))

    def halves(self, allows: Allows, manifests: Sequence[Json]) -> Iterator[tuple[str, bool, bool]]:
        """Of each half its name, and whether Cilium and whether these policies allow it."""
        ends = hosts(self.world)
        for flow, verdict in self.flows:
            source, target = ends.get(flow.source.name), ends.get(flow.target.name)
            if source is None or target is None:
                continue
            for direction, said, own, peer in (
                ("egress", verdict.egress, source, target),
                ("ingress", verdict.ingress, target, source),
            ):
                if own.namespace:
                    allowed = allows(manifests, own, peer, flow.port, direction)
                    yield f"{direction} of {as_flow(flow)}", said == "allowed", allowed


def written(made: Exported) -> list[Json]:
    """The manifests of an export, without Istio's."""
    return [each.manifest for each in made.objects if each.origin.key.kind in CILIUM_KINDS]


def test_an_export_never_allows_what_cilium_does_not(engine: Engine, world_seed: str) -> None:
    allowed = whole = 0
    for number in range(_WORLDS):
        judged = Judged.make(engine, f"{world_seed}/{number}")
        for kind, (_, allows) in _KINDS.items():
            made = exported(kind, judged.world)
            for name, cilium, export in judged.halves(allows, written(made)):
                where = f"world {world_seed}/{number}, {kind}: {name}"
                assert cilium or not export, f"wider: {where}"
                assert export or not cilium or made.is_narrower, f"said to be whole: {where}"
                allowed += export
            whole += not made.is_narrower
    assert allowed > 40 * _WORLDS
    assert whole > _WORLDS // 4


def test_network_policies_are_not_wider_in_cilium_itself(engine: Engine, world_seed: str) -> None:
    differ = both = 0
    for number in range(_WORLDS // 4):
        judged = Judged.make(engine, f"{world_seed}/{number}")
        rejected = engine.policies(written(exported("kubernetes", judged.world)))
        assert not rejected
        again = engine.verdicts(as_flow(flow) for flow, _ in judged.flows)
        for (flow, before), after in zip(judged.flows, again, strict=True):
            for ours, theirs in ((before.egress, after.egress), (before.ingress, after.ingress)):
                assert ours == theirs or theirs == "denied", f"{world_seed}/{number}: {flow}"
                differ += ours != theirs
                both += ours == theirs == "allowed"
    assert both > 20 * _WORLDS // 4
    assert differ < both // 10


@pytest.mark.parametrize("kind", _KINDS)
def test_an_export_without_the_clusters_own_networks_would_be_noticed(
    engine: Engine, world_seed: str, kind: str
) -> None:
    wrong = replace(_ADDRESSES, cluster=(ip_network("198.18.0.0/15"), ip_network("fd00:99::/64")))
    for number in range(_WORLDS):
        judged = Judged.make(engine, f"{world_seed}/{number}")
        made = written(exported(kind, judged.world, wrong))
        halves = judged.halves(_KINDS[kind][1], made)
        if any(export and not cilium for _, cilium, export in halves):
            return
    pytest.fail("pods counted as the internet, and nothing was wider")


def test_without_networks_of_the_cluster_no_address_is_exported(world_seed: str) -> None:
    world = replace(random_world(seeded(f"world {world_seed}/0")), hand_made=())
    for kind in _KINDS:
        made = exported(kind, world, Addresses())
        assert "ipBlock" not in str(written(made))
        assert "nets" not in str(written(made))
        assert any("--cluster-cidr" in each.what for each in made.unsaid)
