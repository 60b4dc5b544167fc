"""Peers that a policy names by other objects: CIDR groups and Services. Pure.

Alone they are doubts; surroundings.py puts in their place what the objects say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_network

from homelab_netpol.cilium.evaluation.answer import Answer, Doubt, all_of, any_of, not_
from homelab_netpol.cilium.evaluation.endpoint import Endpoint
from homelab_netpol.cilium.selectors import Operator, Requirement
from homelab_netpol.cilium.terms import IpNetwork

_EVERYWHERE = tuple(map(ip_network, ("0.0.0.0/0", "::/0")))


@dataclass(frozen=True, slots=True)
class CidrGroup:
    """A CiliumCIDRGroup.

    Attributes:
        name: its name.
        labels: its labels.
        networks: what it holds.
    """

    name: str
    labels: Mapping[str, str]
    networks: tuple[IpNetwork, ...]


@dataclass(frozen=True, slots=True)
class NamedCidrGroup:
    """`cidrGroupRef`: a group by its name.

    Attributes:
        name: its name.
        exceptions: what is not meant of it.
    """

    name: str
    exceptions: tuple[IpNetwork, ...] = ()

    def matches(self, _endpoint: Endpoint) -> Answer:
        """A doubt: what the group holds is not known."""
        return Doubt.CIDR_GROUP


@dataclass(frozen=True, slots=True)
class ChosenCidrGroups:
    """`cidrGroupSelector`: groups by their labels.

    Attributes:
        requirements: on the labels.
        exceptions: what is not meant of them.
    """

    requirements: tuple[Requirement, ...]
    exceptions: tuple[IpNetwork, ...] = ()

    def matches(self, _endpoint: Endpoint) -> Answer:
        """A doubt: which groups there are is not known."""
        return Doubt.CIDR_GROUP


@dataclass(frozen=True, slots=True)
class InCidrGroups:
    """`cidrGroupSelector` where the groups are known.

    Cilium puts the labels of all groups that hold an address on it, and selects by these labels. So
    two groups may meet two requirements together, and an address in no group meets each negative
    one.

    Attributes:
        requirements: each with the networks of the groups that meet it, taken as a positive one.
        exceptions: what is not meant.
    """

    requirements: tuple[tuple[Operator, tuple[IpNetwork, ...]], ...]
    exceptions: tuple[IpNetwork, ...] = ()

    def matches(self, endpoint: Endpoint) -> Answer:
        """Whether all of the endpoint's addresses are meant."""
        answers = [_is_in(endpoint, _EVERYWHERE)]
        for operator, networks in self.requirements:
            inside = _is_in(endpoint, networks)
            answers.append(not_(inside) if operator.is_negative else inside)
        if self.exceptions:
            answers.append(not_(_is_in(endpoint, self.exceptions)))
        return all_of(answers)


@dataclass(frozen=True, slots=True)
class ChosenServices:
    """One item of `toServices`.

    Attributes:
        namespace: of the Services; "": any.
        name: of the one Service; "": they are chosen by their labels.
        requirements: on the labels.
    """

    namespace: str
    name: str
    requirements: tuple[Requirement, ...] = ()

    def matches(self, _endpoint: Endpoint) -> Answer:
        """A doubt: what is behind the Services is not known."""
        return Doubt.SERVICES


def _is_in(endpoint: Endpoint, networks: Iterable[IpNetwork]) -> Answer:
    return any_of(endpoint.is_within(each) for each in networks)
