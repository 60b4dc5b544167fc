"""What others may write beside the operator's policies, and the connections to judge it by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import product

from homelab_netpol.cilium.evaluation import Direction, ReadPolicy
from homelab_netpol.cilium.evaluation.matchers import EndpointSelector, Entities, Unclear
from homelab_netpol.cilium.evaluation.references import (
    ChosenCidrGroups,
    ChosenServices,
    NamedCidrGroup,
)
from homelab_netpol.findings.finding import Finding
from lab.control_plane import Engine, Flow, Identity
from tests.truth.random_cluster_policies import cluster_policy
from tests.truth.random_policies import KEYS, NAMESPACES, VALUES, Generator, Json

GOVERNED = "shop"
FOREIGN = "foreign"
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

    def policy(self, name: str = FOREIGN) -> Json:
        """Of any kind."""
        if self._by_chance(0.2):
            return cluster_policy(self.random, name)
        policy = self._policy(name)
        if policy["metadata"].get("namespace"):
            policy["metadata"]["namespace"] = GOVERNED
        return policy


def some_peers() -> dict[str, Identity]:
    """The other ends: pods of several namespaces with all sorts of labels, and what is outside."""
    found = {
        name: peer
        for namespace, of_it in {**NAMESPACES, "elsewhere": {}}.items()
        for name, peer in _pods(namespace, of_it, LABELS).items()
    }
    found |= {name: Identity.entity(name) for name in OUTSIDE}
    found |= {name: Identity.dns_name(name) for name in NAMES}
    return found | {cidr: Identity.address(cidr) for cidr in ADDRESSES}


def every_pod() -> Iterator[dict[str, Identity]]:
    """All pods that a selector of the generator's can tell apart, a namespace at a time."""
    namespaces = {**NAMESPACES, "elsewhere": {}}
    namespaces |= {f"other-{number}": each for number, each in enumerate(ALL_NAMESPACES)}
    for namespace, of_it in namespaces.items():
        yield _pods(namespace, of_it, ALL_LABELS)


def _pods(
    namespace: str, of_it: Mapping[str, str], pods: Iterable[Mapping[str, str]]
) -> dict[str, Identity]:
    return {
        f"{namespace}/{number}": Identity.pod(namespace, labels, of_it, NAMED)
        for number, labels in enumerate(pods)
    }


class Probes:
    """Asks the engine for every connection between the governed namespace's pods and the others."""

    def __init__(self, engine: Engine, labels: Mapping[str, str], pods: Sequence[Json]) -> None:
        """Prepares; `labels` are the namespace's, `pods` the labels of each of its pods."""
        self._engine = engine
        self._own = {
            f"own/{number}": Identity.pod(GOVERNED, pod, labels, NAMED)
            for number, pod in enumerate(pods)
        }

    def directions(
        self, others: Mapping[str, Identity], manifests: Sequence[Sequence[Json]], *outcomes: str
    ) -> set[Direction]:
        """Where some connection comes out like this, with each of several sets of policies."""
        self._engine.identities({**self._own, **others})
        flows = {
            Direction.INGRESS: [Flow(*f) for f in product(others, self._own, PORTS, PROTOCOLS)],
            Direction.EGRESS: [Flow(*f) for f in product(self._own, others, PORTS, PROTOCOLS)],
        }
        said = [self._verdicts(each, flows) for each in manifests]
        return {
            direction
            for direction in Direction
            if outcomes in zip(*(each[direction] for each in said), strict=True)
        }

    def _verdicts(
        self, manifests: Sequence[Json], flows: Mapping[Direction, Sequence[Flow]]
    ) -> dict[Direction, list[str]]:
        rejected = self._engine.policies(manifests)
        assert all(one.name.startswith(FOREIGN) for one in rejected), rejected
        return {
            direction: [getattr(one, direction.value) for one in self._engine.verdicts(asked)]
            for direction, asked in flows.items()
        }


def compared(
    findings: Sequence[Finding], judge: Callable[[Mapping[str, Identity]], set[Direction]]
) -> tuple[set[Direction], set[Direction]]:
    """In which directions the engine says something, and which the one finding names.

    The engine is asked about some peers, and about more of them until it says all that was told.
    """
    assert len(findings) <= 1
    ways = {Direction.INGRESS: "ingress from", Direction.EGRESS: "egress to"}
    told = {
        direction
        for direction, words in ways.items()
        if any(words in one.message for one in findings)
    }
    said = judge(some_peers())
    for more in every_pod():
        if told <= said:
            break
        said |= judge(more)
    return said, told


def is_uncertain(policy: ReadPolicy) -> bool:
    """Something in it cannot be known from what is listed.

    Which port a name means is not known; where such a rule comes before others, that matters.
    """
    return any(
        rule.authenticated
        or any(map(_is_uncertain, (rule.subject, *rule.peers)))
        or (policy.may_overrule and any(span.doubt for span in rule.ports or ()))
        for rule in policy.rules
    )


def _is_uncertain(matcher: object) -> bool:
    if isinstance(matcher, EndpointSelector):
        return any(
            one.key.startswith("io.cilium.k8s.policy") or one.source == "reserved"
            for one in matcher.requirements
        )
    return isinstance(matcher, (Unclear, NamedCidrGroup, ChosenCidrGroups, ChosenServices)) or (
        isinstance(matcher, Entities) and "kube-apiserver" in matcher.names
    )
