"""The peers of a rule: pods, of which those that are given and certain, and networks. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from homelab_netpol.cilium.evaluation.matchers import EndpointSelector, select
from homelab_netpol.cilium.selectors import Operator, Requirement
from homelab_netpol.cilium.terms import NAME_LABEL
from homelab_netpol.lint.conditions import endpoint_peer, network_policy_peer, requirements
from homelab_netpol.lint.given import Given, GivenPods
from homelab_netpol.lint.policies import PolicyView, RuleView, SpecView, mapping
from homelab_netpol.lint.rule import Path

# The network of all addresses, of either family.
EVERYWHERE = frozenset({"0.0.0.0/0", "::/0"})


class PeerPods(NamedTuple):
    """A peer that is pods.

    Attributes:
        path: where it is written.
        requirements: its conditions, in Cilium's words.
        selector: them, as pods are asked.
    """

    path: Path
    requirements: Sequence[Requirement]
    selector: EndpointSelector

    @property
    def namespaces(self) -> list[str] | None:
        """The namespaces that it names; None: it does not say which by their names."""
        names: set[str] | None = None
        for one in self.requirements:
            is_name = one.is_of_namespace_name or one.key.endswith(f".labels.{NAME_LABEL}")
            if is_name and one.operator is Operator.IN:
                names = set(one.values) if names is None else names & set(one.values)
        if names is None:
            own = [each for each in self.selector.requirements if each.is_of_namespace_name]
            names = set(own[0].values) if own and own[0].operator is Operator.IN else None
        return None if names is None else sorted(names)


class PeerNetwork(NamedTuple):
    """A peer that is a network.

    Attributes:
        path: where it is written.
        cidr: as it is written.
        whole: nothing is excepted from it.
    """

    path: Path
    cidr: str
    whole: bool


def networks_of(rule: RuleView) -> Iterator[PeerNetwork]:
    """The peers of a rule that are networks; those that are no text are left out."""
    if rule.cilium:
        for index, cidr in enumerate(rule.peers("CIDR")):
            if isinstance(cidr, str):
                yield PeerNetwork((*rule.path, f"{rule.way}CIDR", index), cidr, True)
        blocks = [
            ((*rule.path, f"{rule.way}CIDRSet", index), mapping(entry))
            for index, entry in enumerate(rule.peers("CIDRSet"))
        ]
    else:
        blocks = [
            ((*rule.path, rule.way, index, "ipBlock"), mapping(mapping(peer).get("ipBlock")))
            for index, peer in enumerate(rule.peers())
        ]
    for path, block in blocks:
        cidr = block.get("cidr")
        if isinstance(cidr, str):
            yield PeerNetwork((*path, "cidr"), cidr, not block.get("except"))


def peers_of(rule: RuleView, policy: PolicyView) -> Iterator[PeerPods]:
    """The peers of a rule that are pods; malformed ones are left out."""
    if rule.cilium:
        for index, selector in enumerate(rule.peers("Endpoints")):
            found = requirements(selector)
            if found is not None and all(one.is_of_pods for one in found):
                path = (*rule.path, f"{rule.way}Endpoints", index)
                yield PeerPods(path, found, endpoint_peer(found, policy.namespace))
        return
    for index, each in enumerate(rule.peers()):
        found = network_policy_peer(mapping(each), policy.namespace)
        if found is not None:
            yield PeerPods((*rule.path, rule.way, index), found, select(found, pods_only=True))


def pods_of_peer(peer: PeerPods, given: Given) -> Sequence[GivenPods] | None:
    """All pods that it means; None: not certain which."""
    names = peer.namespaces
    if names is None:
        pods = given.all_pods
        return _matching(peer.selector, pods) if pods else None
    found: list[GivenPods] = []
    for name in names:
        pods = given.pods(name)
        if not pods:
            return None
        found += pods
    return _matching(peer.selector, found)


def pods_of_spec(spec: SpecView, given: Given) -> Sequence[GivenPods] | None:
    """All pods that a policy is for; None: not certain which."""
    namespace = spec.policy.namespace
    pods = given.pods(namespace) if namespace else given.all_pods
    if not pods or spec.subject_selector is None or spec.subject is None:
        return None
    if not all(one.is_of_pods for one in spec.subject):
        return None  # such as reserved:init: what has no labels yet
    return _matching(spec.subject_selector, pods)


def _matching(selector: EndpointSelector, pods: Sequence[GivenPods]) -> Sequence[GivenPods] | None:
    found = []
    for each in pods:
        answer = selector.matches(each.pod)
        if answer is True:
            found.append(each)
        elif answer is not False:
            return None
    return found
