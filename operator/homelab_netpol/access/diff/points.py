"""The connections at which two sets of rules must be asked, so that no difference is missed. Pure.

A rule that is met stays met when a pod loses labels that the rule does not ask for, and one that is
not met stays unmet unless it asks for a label's absence. So pods are enough that carry just the
labels of the rule that changed, and of the one that closes; with and without those labels that some
rule wants absent. Addresses are enough where some network begins, and just before and after one.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network

from homelab_netpol.access.diff.rules import NAME_LABEL_KEY, OWN, SOME_OTHER, Labels, is_of_name
from homelab_netpol.cilium.evaluation import Endpoint, Entity, Name, Network, Pod
from homelab_netpol.cilium.evaluation.matchers import (
    Cidr,
    DnsNames,
    EndpointSelector,
    Entities,
    Lacking,
    Matcher,
)
from homelab_netpol.cilium.evaluation.policy import Rule
from homelab_netpol.cilium.selectors import Operator, Requirement
from homelab_netpol.cilium.terms import (
    CLUSTER_PARTS,
    CLUSTERS,
    NAMESPACE_KEY,
    NAMESPACE_LABELS_PREFIX,
    SOURCE_RESERVED,
    IpNetwork,
)

EVERYWHERE = (ip_network("0.0.0.0/0"), ip_network("::/0"))
# A label's value that no rule names.
_ANY_VALUE = "any-other-value"
# More than the rules of real clusters need; where it is not enough, the result says so.
_MOST_PODS = 256


@dataclass(slots=True)
class Absences:
    """The labels whose absence, or whose other value, some rule asks for.

    Attributes:
        values: by key the values that are named so.
        cut: there were more combinations than are looked at.
    """

    values: dict[str, dict[str, None]] = field(default_factory=dict)
    cut: bool = False

    def add(self, requirements: Iterable[Requirement]) -> None:
        """Takes in what one rule asks for."""
        for one in requirements:
            if one.operator.is_negative:
                self.values.setdefault(one.key, {}).update(dict.fromkeys(one.values))

    def labels(self, requirements: Iterable[Requirement]) -> Iterator[Labels]:
        """Labels that meet some requirements, with and without those that matter elsewhere."""
        asked: dict[str, list[Requirement]] = {}
        for one in requirements:
            asked.setdefault(one.key, []).append(one)
        keys = dict.fromkeys((*asked, *self.values))
        choices: list[list[str | None]] = []
        for key in keys:
            wanted = asked.get(key, [])
            listed = [
                value for one in wanted if one.operator is Operator.IN for value in one.values
            ]
            possible: list[str | None] = [None, *self.values.get(key, ()), *listed]
            if not listed:
                possible.append(_ANY_VALUE)
            possible = [
                each for each in dict.fromkeys(possible) if all(one.holds(each) for one in wanted)
            ]
            if not asked.get(key) and key not in self.values:
                possible = [None]
            choices.append(possible)
        found = itertools.product(*choices)
        for number, chosen in enumerate(found):
            if number == _MOST_PODS:
                self.cut = True
                return
            pairs = zip(keys, chosen, strict=True)
            yield {key: value for key, value in pairs if value is not None}


class Surroundings:
    """What the rules of both sides name, and which endpoints stand for a peer."""

    def __init__(self, rules: Iterable[Rule], known: Mapping[str, Labels]) -> None:
        """Looks through the rules.

        Args:
            rules: all those of both sides, of one direction.
            known: the labels of the Namespaces that there are.
        """
        self._known = known
        self.subjects, self._peers, self._namespaces = Absences(), Absences(), Absences()
        self._names: dict[str, None] = {}
        networks: dict[IpNetwork, None] = {}
        for rule in rules:
            self.subjects.add(_requirements(rule.subject))
            for peer in rule.peers:
                networks |= dict.fromkeys(_networks(peer))
                found = _requirements(peer)
                self._peers.add(one for one in found if not one.is_of_namespace)
                self._namespaces.add(one for one in found if one.is_of_namespace)
                self._names |= {
                    value: None
                    for one in found
                    if is_of_name(one) and one.operator.is_negative
                    for value in one.values
                }
        self._namespaces.values.pop(NAMESPACE_KEY, None)
        self._namespaces.values.pop(NAME_LABEL_KEY, None)
        self._networks = tuple(networks)

    @property
    def is_cut(self) -> bool:
        """There were more combinations of labels than are looked at."""
        return self.subjects.cut or self._peers.cut or self._namespaces.cut

    def ends(self, peer: Matcher, beside: Matcher | None = None) -> Iterator[Endpoint]:
        """Endpoints that stand for a peer.

        Args:
            peer: the peer.
            beside: only of those that are this peer as well.
        """
        match peer:
            case Entities(names):
                for name in sorted(names):
                    yield from self._of_entity(name, beside)
            case Cidr(network, _):
                yield from self._addresses((network,), peer)
            case DnsNames(names):
                for name in names:
                    yield Name(example_of(name))
            case EndpointSelector(requirements, _):
                reserved = [one for one in requirements if one.source == SOURCE_RESERVED]
                for one in reserved:
                    if not one.operator.is_negative:
                        yield from self._of_entity(one.key, beside)
                if not reserved:
                    yield from self._pods([*requirements, *_requirements(beside)])
                elif all(one.operator.is_negative for one in reserved):
                    yield from self._of_entity("all", beside)
            case _:
                yield from self._of_entity("all", beside)

    def subject_labels(self, *matchers: Matcher) -> Iterator[Labels]:
        """Labels of pods that are all of these subjects."""
        return self.subjects.labels(one for each in matchers for one in _requirements(each))

    def _of_entity(self, name: str, beside: Matcher | None) -> Iterator[Endpoint]:
        if name in ("all", "world", "world-ipv4", "world-ipv6"):
            families = [
                each for each in EVERYWHERE if not name.endswith("-ipv6") or each.version == 6
            ]
            families = [
                each for each in families if not name.endswith("-ipv4") or each.version == 4
            ]
            yield from self._addresses(families, None)
        if name == "all" or name in CLUSTERS:
            yield from self._pods(_requirements(beside))
            if not _requirements(beside):
                yield from self._pods([_named(OWN)])
            for part in sorted(CLUSTER_PARTS):
                yield Entity(part)
        elif name in CLUSTER_PARTS:
            yield Entity(name)

    def _addresses(self, wanted: Iterable[IpNetwork], within: Matcher | None) -> Iterator[Endpoint]:
        for outer in wanted:
            first, last = _bounds(outer)
            turns = {first}
            for other in self._networks:
                if other.version == outer.version:
                    start, end = _bounds(other)
                    turns |= {start, end + 1}
            for turn in sorted(turns):
                if first <= turn <= last:
                    found = Network(ip_network((turn, outer.max_prefixlen)))
                    if within is None or within.matches(found) is not False:
                        yield found

    def _pods(self, requirements: Iterable[Requirement]) -> Iterator[Endpoint]:
        asked = list(requirements)
        of_pods = [one for one in asked if not one.is_of_namespace]
        of_labels = [
            Requirement(
                one.source,
                one.key.removeprefix(NAMESPACE_LABELS_PREFIX),
                one.operator,
                one.values,
            )
            for one in asked
            if one.is_of_namespace and not is_of_name(one)
        ]
        absences = Absences(
            {
                key.removeprefix(NAMESPACE_LABELS_PREFIX): values
                for key, values in self._namespaces.values.items()
            }
        )
        for name in self._place_names([one for one in asked if is_of_name(one)]):
            known = self._known.get(name)
            places = [known] if known is not None else absences.labels(of_labels)
            for place in places:
                for labels in self._peers.labels(of_pods):
                    yield Pod(name, place, labels)
        self._namespaces.cut = self._namespaces.cut or absences.cut

    def _place_names(self, by_name: list[Requirement]) -> Iterator[str]:
        listed = [value for one in by_name if one.operator is Operator.IN for value in one.values]
        names = listed or [SOME_OTHER, *self._names]
        for name in dict.fromkeys(names):
            if all(one.holds(name) for one in by_name):
                yield name


def example_of(pattern: str) -> str:
    """A name that a pattern means and hardly any other pattern does."""
    return pattern.rstrip(".").replace("**.", "any.name.").replace("*", "any-name")


def _named(name: str) -> Requirement:
    return Requirement("k8s", NAMESPACE_KEY, Operator.IN, (name,))


def _requirements(matcher: Matcher | None) -> tuple[Requirement, ...]:
    if isinstance(matcher, Lacking):
        matcher = matcher.selector
    if not isinstance(matcher, EndpointSelector):
        return ()
    return tuple(one for one in matcher.requirements if one.source != SOURCE_RESERVED)


def _networks(matcher: Matcher) -> tuple[IpNetwork, ...]:
    return (matcher.network, *matcher.exceptions) if isinstance(matcher, Cidr) else ()


def _bounds(network: IpNetwork) -> tuple[int, int]:
    return int(network.network_address), int(network.broadcast_address)
