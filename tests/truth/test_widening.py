"""What is found to widen a profile, against Cilium's engine: told if a connection passes by it.

Random policies of somebody else's stand beside the operator's own. The engine judges many
connections with the policy and without it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import product

import pytest

from homelab_netpol.cilium.evaluation import Direction, ReadPolicy, read_policy
from homelab_netpol.cilium.evaluation.matchers import EndpointSelector, Entities, Unclear
from homelab_netpol.findings import check_widening
from homelab_netpol.findings.finding import Finding
from lab.control_plane import Engine, Flow, Identity
from tests.inspected import DOMAIN, Cluster
from tests.truth.random_cluster_policies import cluster_policy
from tests.truth.random_policies import KEYS, NAMESPACES, VALUES, Generator, Json

SEED = os.environ.get("WIDENING_SEED", "1")
WORLDS = int(os.environ.get("WIDENING_WORLDS", "40"))

GOVERNED = "shop"
PROFILES = ("isolated", "internal", "internal-egress", "standard")
# Where some rule of the generator's, or of the operator's, begins or has just ended, and between.
PORTS = (1, 53, 80, 81, 100, 101, 443, 444, 5432, 8080, 9000, 9100, 15008, 65535)
PROTOCOLS = ("TCP", "UDP", "SCTP")
OUTSIDE = (*("health", "host", "remote-node", "kube-apiserver", "ingress", "init", "unmanaged"),)
ADDRESSES = (
    *("169.254.1.1/32", "203.0.113.7/32", "203.0.113.9/32", "198.51.100.1/32", "10.1.1.1/32"),
    *("2001:db8::7/128", "2a00::1/128"),
)
NAMES = ("example.org", "www.example.com")
# All pods have this one, so that a rule that names it is about some port.
NAMED = {"metrics": "9100/TCP"}
LABELS = tuple(
    {key: value for key, value in (("app", app), ("role", role)) if value}
    for app, role in product(("", "web", "db"), ("", "web", "job"))
)
# Whatever the generator's selectors can ask for.
ALL_LABELS = tuple(
    {key: value for key, value in zip(KEYS, values, strict=True) if value}
    for values in product(("", *VALUES), repeat=len(KEYS))
)
ALL_NAMESPACES = tuple(
    {key: value for key, value in (("team", team), ("tier", tier)) if value}
    for team, tier in product(("", "data", "web", "front", "back"), repeat=2)
)


class Foreign(Generator):
    """Makes one policy that may be about the governed namespace."""

    def policy(self) -> Json:
        """Of any kind."""
        if self._by_chance(0.2):
            return cluster_policy(self.random, "foreign")
        policy = self._policy("foreign")
        if policy["metadata"].get("namespace"):
            policy["metadata"]["namespace"] = GOVERNED
        return policy


def peers(*, every_pod: bool) -> dict[str, Identity]:
    """The other ends: pods of every namespace with all sorts of labels, and what is outside."""
    namespaces: dict[str, Mapping[str, str]] = {**NAMESPACES, "elsewhere": {}}
    if every_pod:
        namespaces |= {f"other-{number}": each for number, each in enumerate(ALL_NAMESPACES)}
    found = {
        f"{namespace}/{number}": Identity.pod(namespace, labels, of_namespace, NAMED)
        for namespace, of_namespace in namespaces.items()
        for number, labels in enumerate(ALL_LABELS if every_pod else LABELS)
    }
    found |= {name: Identity.entity(name) for name in OUTSIDE}
    found |= {name: Identity.dns_name(name) for name in NAMES}
    return found | {cidr: Identity.address(cidr) for cidr in ADDRESSES}


class World:
    """The governed namespace, some pods, and one policy of somebody else's."""

    def __init__(self, number: int) -> None:
        generator = Foreign(f"{SEED}/widening/{number}")
        profile = generator.random.choice(PROFILES)
        self.pods = [one.labels for one in generator.pods() if one.namespace == GOVERNED]
        self.foreign = generator.policy()
        labels = {f"{DOMAIN}/profile": profile}
        if generator.random.random() < 0.3:
            labels[f"access.{DOMAIN}/postgres"] = "true"
        namespaces = {**NAMESPACES, "elsewhere": {}}
        namespaces[GOVERNED] = {**NAMESPACES[GOVERNED], **labels}
        self.namespaces = namespaces
        self.cluster = Cluster(namespaces)
        self.about = f"WIDENING_SEED={SEED} world {number}, {labels}: {self.foreign}"

    def added(self, engine: Engine, *, every_pod: bool = False) -> set[Direction]:
        """In which directions the engine lets more through with the policy than without."""
        own = {
            f"own/{number}": Identity.pod(GOVERNED, labels, self.namespaces[GOVERNED], NAMED)
            for number, labels in enumerate(self.pods)
        }
        others = peers(every_pod=every_pod)
        engine.identities({**own, **others})
        flows = {
            Direction.INGRESS: [Flow(*ends) for ends in product(others, own, PORTS, PROTOCOLS)],
            Direction.EGRESS: [Flow(*ends) for ends in product(own, others, PORTS, PROTOCOLS)],
        }
        said = []
        for manifests in (self.cluster.own, [*self.cluster.own, self.foreign]):
            rejected = engine.policies(manifests)
            assert {one.name for one in rejected} <= {"foreign"}, rejected
            said.append(
                {
                    direction: [getattr(one, direction.value) for one in engine.verdicts(asked)]
                    for direction, asked in flows.items()
                }
            )
        without, beside = said
        return {
            direction
            for direction in Direction
            for before, after in zip(without[direction], beside[direction], strict=True)
            if (before, after) == ("denied", "allowed")
        }

    def findings(self) -> list[Finding]:
        """What is told."""
        return self.cluster.findings(check_widening.check, [self.foreign], {GOVERNED: self.pods})


def told(findings: list[Finding]) -> set[Direction]:
    """The directions that the one finding names."""
    assert len(findings) <= 1
    return {
        direction
        for direction, words in (
            (Direction.INGRESS, "ingress from"),
            (Direction.EGRESS, "egress to"),
        )
        if any(words in one.message for one in findings)
    }


def is_uncertain(policy: ReadPolicy) -> bool:
    """Something in it cannot be known from what is listed."""
    return any(
        rule.authenticated or any(map(_is_uncertain, (rule.subject, *rule.peers)))
        for rule in policy.rules
    )


def _is_uncertain(matcher: object) -> bool:
    if isinstance(matcher, EndpointSelector):
        return any(
            one.key.startswith("io.cilium.k8s.policy") or one.source == "reserved"
            for one in matcher.requirements
        )
    return isinstance(matcher, Unclear) or (
        isinstance(matcher, Entities) and "kube-apiserver" in matcher.names
    )


@pytest.fixture(scope="module")
def judged(engine: Engine) -> Iterator[list[tuple[World, set[Direction], set[Direction]]]]:
    """Each world, the directions in which the engine sees more, and those that are told."""
    worlds = [World(number) for number in range(WORLDS)]
    judged = []
    for world in worlds:
        added, said = world.added(engine), told(world.findings())
        if not said <= added:  # by pods that were not among the first
            added = world.added(engine, every_pod=True)
        judged.append((world, added, said))
    yield judged
    engine.policies([])


Judged = list[tuple[World, set[Direction], set[Direction]]]


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
