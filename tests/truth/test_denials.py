"""What is said to win over an open hatch, against Cilium's engine: is it denied all the same?"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial

import pytest

from homelab_netpol.cilium.evaluation import Direction, read_policy
from homelab_netpol.findings import check_hatch
from homelab_netpol.findings.finding import Finding
from lab.control_plane import Engine, Identity
from tests.inspected import DOMAIN, Cluster
from tests.truth.probes import FOREIGN, GOVERNED, Foreign, Probes, compared, is_uncertain
from tests.truth.random_policies import NAMESPACES

SEED = os.environ.get("WIDENING_SEED", "1")
WORLDS = int(os.environ.get("WIDENING_WORLDS", "30"))


class World:
    """A namespace whose hatch is open, some pods, and policies of somebody else's."""

    def __init__(self, number: int) -> None:
        generator = Foreign(f"{SEED}/denials/{number}")
        self.pods = [one.labels for one in generator.pods() if one.namespace == GOVERNED]
        count = generator.random.randint(1, 3)
        self.foreign = [generator.policy(f"{FOREIGN}-{number}") for number in range(count)]
        open_hatch = {f"{DOMAIN}/profile": "isolated", f"{DOMAIN}/enforcement": "disabled"}
        self.labels = {**NAMESPACES[GOVERNED], **open_hatch}
        self.cluster = Cluster({**NAMESPACES, "elsewhere": {}, GOVERNED: self.labels})
        self.about = f"WIDENING_SEED={SEED} world {number}: {self.foreign}"

    def denied(self, engine: Engine, peers: Mapping[str, Identity]) -> set[Direction]:
        """In which directions the engine denies something."""
        probes = Probes(engine, self.labels, self.pods)
        policies = [*self.cluster.own, *self.foreign]
        return probes.directions(peers, [policies], "denied")

    def findings(self) -> list[Finding]:
        """What is told."""
        return self.cluster.findings(check_hatch.check, self.foreign, {GOVERNED: self.pods})


Judged = list[tuple[World, set[Direction], set[Direction]]]


@pytest.fixture(scope="module")
def judged(engine: Engine) -> Iterator[Judged]:
    """Each world, the directions in which the engine denies something, and those that are told."""
    yield [
        (world, *compared(world.findings(), partial(world.denied, engine)))
        for world in map(World, range(WORLDS))
    ]
    engine.policies([])


def test_whatever_is_told_is_denied_though_the_hatch_is_open(judged: Judged) -> None:
    for world, denied, said in judged:
        assert said <= denied, f"{world.about}\n  {world.findings()}"


def test_whatever_a_policy_that_is_understood_denies_is_told(judged: Judged) -> None:
    seen: Counter[bool] = Counter()
    for world, denied, said in judged:
        if any(is_uncertain(read_policy(one)) for one in world.foreign):
            continue
        seen[bool(denied)] += 1
        assert denied <= said, f"{world.about}\n  engine: {denied}, told: {world.findings()}"
    assert min(seen[True], seen[False]) > WORLDS // 10, seen
