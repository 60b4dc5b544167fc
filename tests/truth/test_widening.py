"""What is found to widen a profile, against Cilium's engine: told if a connection passes by it.

Random policies of somebody else's stand beside the operator's own. The engine judges many
connections with the policy and without it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial

import pytest

from homelab_netpol.cilium.evaluation import Direction, read_policy
from homelab_netpol.findings import check_widening
from homelab_netpol.findings.finding import Finding
from lab.control_plane import Engine, Identity
from tests.inspected import DOMAIN, Cluster
from tests.truth.probes import GOVERNED, Foreign, Probes, compared, is_uncertain
from tests.truth.random_policies import NAMESPACES

SEED = os.environ.get("WIDENING_SEED", "1")
WORLDS = int(os.environ.get("WIDENING_WORLDS", "30"))

PROFILES = ("isolated", "internal", "internal-egress", "standard")


class World:
    """A governed namespace, some pods, and one policy of somebody else's."""

    def __init__(self, number: int) -> None:
        generator = Foreign(f"{SEED}/widening/{number}")
        labels = {f"{DOMAIN}/profile": generator.random.choice(PROFILES)}
        self.pods = [one.labels for one in generator.pods() if one.namespace == GOVERNED]
        self.foreign = generator.policy()
        if generator.random.random() < 0.3:
            labels[f"access.{DOMAIN}/postgres"] = "true"
        self.labels = {**NAMESPACES[GOVERNED], **labels}
        self.cluster = Cluster({**NAMESPACES, "elsewhere": {}, GOVERNED: self.labels})
        self.about = f"WIDENING_SEED={SEED} world {number}, {labels}: {self.foreign}"

    def added(self, engine: Engine, peers: Mapping[str, Identity]) -> set[Direction]:
        """In which directions the engine lets more through with the policy than without."""
        own = self.cluster.own
        probes = Probes(engine, self.labels, self.pods)
        return probes.directions(peers, [own, [*own, self.foreign]], "denied", "allowed")

    def findings(self) -> list[Finding]:
        """What is told."""
        return self.cluster.findings(check_widening.check, [self.foreign], {GOVERNED: self.pods})


Judged = list[tuple[World, set[Direction], set[Direction]]]


@pytest.fixture(scope="module")
def judged(engine: Engine) -> Iterator[Judged]:
    """Each world, the directions in which the engine sees more, and those that are told."""
    yield [
        (world, *compared(world.findings(), partial(world.added, engine)))
        for world in map(World, range(WORLDS))
    ]
    engine.policies([])


def test_whatever_is_told_passes_by_that_policy_alone(judged: Judged) -> None:
    for world, added, said in judged:
        assert said <= added, f"{world.about}\n  {world.findings()}"


def test_whatever_passes_by_a_policy_that_is_understood_is_told(judged: Judged) -> None:
    seen: Counter[bool] = Counter()
    for world, added, said in judged:
        if is_uncertain(read_policy(world.foreign)):
            continue
        seen[bool(added)] += 1
        assert added <= said, f"{world.about}\n  engine: {added}, told: {world.findings()}"
    assert min(seen[True], seen[False]) > WORLDS // 10, seen
