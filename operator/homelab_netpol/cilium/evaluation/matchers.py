"""How policies name endpoints: label selectors, entities, networks, names. Pure.

Each matcher answers one question, `matches(endpoint)`. They know no file format.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from homelab_netpol.cilium.dns_patterns import dns_pattern_holds
from homelab_netpol.cilium.evaluation.answer import Answer, Doubt, any_of
from homelab_netpol.cilium.evaluation.endpoint import Endpoint, Entity, Name, Network, Pod
from homelab_netpol.cilium.selectors import Operator, Requirement
from homelab_netpol.cilium.terms import NAMESPACE_KEY, IpNetwork


class Matcher(Protocol):
    """Something that selects endpoints."""

    def matches(self, endpoint: Endpoint) -> Answer:
        """Whether the endpoint is selected."""


@dataclass(frozen=True, slots=True)
class EndpointSelector:
    """All of its requirements must hold; a label that is not known is a doubt.

    Make one with `select`, so that equal selectors are equal.

    Attributes:
        requirements: the conditions.
        pods_only: only pods of this cluster are meant.
    """

    requirements: tuple[Requirement, ...]
    pods_only: bool = False

    def matches(self, endpoint: Endpoint) -> Answer:
        """Whether the endpoint meets all requirements."""
        if self.pods_only and not isinstance(endpoint, Pod):
            return False
        # As `all_of`, without a generator: with one, evaluation would take twice the time.
        result: Answer = True
        for requirement in self.requirements:
            value = endpoint.lookup(requirement.source, requirement.key)
            answer = value if isinstance(value, Doubt) else requirement.holds(value)
            if answer is False:
                return False
            if result is True:
                result = answer
        return result

    @property
    def namespaces(self) -> tuple[str, ...] | None:
        """The only Namespaces whose pods it may mean; None: of any."""
        for one in self.requirements:
            if one.is_of_pods and one.key == NAMESPACE_KEY and one.operator is Operator.IN:
                return one.values
        return None


@dataclass(frozen=True, slots=True)
class Lacking:
    """Peers by what they have not: reserved labels, and perhaps others.

    Cilium keeps identities that stand for all of the cluster, all nodes or the world. They have
    none of these labels, so since 1.20 such a selector means them, and with them whom it leaves
    out.

    Attributes:
        selector: what is written, with negative requirements only.
    """

    selector: EndpointSelector

    def matches(self, endpoint: Endpoint) -> Answer:
        """Yes if the selector says so; else it may be meant all the same."""
        return True if self.selector.matches(endpoint) is True else Doubt.AGGREGATE


def select(requirements: Iterable[Requirement], pods_only: bool = False) -> EndpointSelector:
    """A selector of these requirements, whatever their order."""
    return EndpointSelector(tuple(sorted(set(requirements), key=_rank)), pods_only)


def _rank(one: Requirement) -> tuple[bool, str, str, str, list[str]]:
    # The namespace first: it is always known, and most often decides.
    return (one.key != NAMESPACE_KEY, one.key, one.source, one.operator, sorted(one.values))


@dataclass(frozen=True, slots=True)
class Entities:
    """Cilium's entities, by name."""

    names: frozenset[str]

    def matches(self, endpoint: Endpoint) -> Answer:
        """Whether one of them holds the endpoint."""
        return any_of(endpoint.is_entity(name) for name in self.names)


EVERY_PEER = Entities(frozenset({"all"}))


@dataclass(frozen=True, slots=True)
class Cidr:
    """Addresses: a network without its exceptions."""

    network: IpNetwork
    exceptions: tuple[IpNetwork, ...] = ()

    def matches(self, endpoint: Endpoint) -> Answer:
        """Whether all of the endpoint's addresses are meant."""
        inside = endpoint.is_within(self.network)
        if inside is False or not self.exceptions:
            return inside
        out = any_of(endpoint.is_within(exception) for exception in self.exceptions)
        if out is False:
            return inside
        return False if out is True else out


@dataclass(frozen=True, slots=True)
class DnsNames:
    """What DNS names resolve to: never a pod.

    Attributes:
        names: each a name or a pattern.
    """

    names: tuple[str, ...] = ()

    def matches(self, endpoint: Endpoint) -> Answer:
        """Whether the endpoint may be one of them."""
        if isinstance(endpoint, Name):
            return self._hold(endpoint.name)
        if isinstance(endpoint, Network):
            if endpoint.names is None:
                return Doubt.ADDRESS
            return any(map(self._hold, endpoint.names))
        # Cilium takes the labels of names off its nodes, but not off an API server elsewhere.
        return (
            Doubt.ADDRESS if isinstance(endpoint, Entity) and endpoint.place == "world" else False
        )

    def _hold(self, name: str) -> bool:
        return any(dns_pattern_holds(one, name) for one in self.names)


@dataclass(frozen=True, slots=True)
class Unclear:
    """Whom a policy means, where that cannot be said.

    Attributes:
        doubt: why not.
        namespace: pods of other namespaces are certainly not meant; "": no such limit.
    """

    doubt: Doubt
    namespace: str = ""

    def matches(self, endpoint: Endpoint) -> Answer:
        """A doubt, but for pods of other namespaces."""
        if self.namespace and isinstance(endpoint, Pod) and endpoint.namespace != self.namespace:
            return False
        return self.doubt
