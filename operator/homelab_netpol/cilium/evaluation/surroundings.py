"""What a cluster holds beside pods and policies, as far as policies name it. Pure.

Cilium's agents put Services into a policy before they judge by it (`resolveToServices` of the
package policy/k8s, 1.20), and label addresses by the CIDR groups that hold them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from homelab_netpol.cilium.evaluation.answer import Doubt
from homelab_netpol.cilium.evaluation.in_cluster import in_cluster
from homelab_netpol.cilium.evaluation.matchers import Cidr, Matcher, Unclear, select
from homelab_netpol.cilium.evaluation.policy import ReadPolicy, Rule
from homelab_netpol.cilium.evaluation.references import (
    ChosenCidrGroups,
    ChosenServices,
    CidrGroup,
    InCidrGroups,
    NamedCidrGroup,
)
from homelab_netpol.cilium.selectors import Operator, Requirement
from homelab_netpol.cilium.terms import NAMESPACE_KEY, SOURCE_K8S, IpNetwork

_REFERENCES = (NamedCidrGroup, ChosenCidrGroups, ChosenServices)


@dataclass(frozen=True, slots=True)
class Service:
    """A Service, as `toServices` sees it.

    Attributes:
        namespace: where it is.
        name: its name.
        labels: its labels.
        selector: of its pods; empty: it has none.
        backends: the addresses behind one without a selector; None: not known.
    """

    namespace: str
    name: str
    labels: Mapping[str, str]
    selector: Mapping[str, str]
    backends: tuple[IpNetwork, ...] | None = None


@dataclass(frozen=True)
class Surroundings:
    """What is known around pods and policies.

    Attributes:
        cluster: the cluster's name; None: not known.
        cidr_groups: the CIDR groups.
        services: the Services.
        is_complete: there are no other groups and Services than these.
    """

    cluster: str | None = None
    cidr_groups: tuple[CidrGroup, ...] = ()
    services: tuple[Service, ...] = ()
    is_complete: bool = False

    @cached_property
    def groups_by_name(self) -> Mapping[str, CidrGroup]:
        """The CIDR groups."""
        return {each.name: each for each in self.cidr_groups}

    @cached_property
    def services_by_name(self) -> Mapping[str, list[Service]]:
        """The Services of each name."""
        found: defaultdict[str, list[Service]] = defaultdict(list)
        for each in self.services:
            found[each.name].append(each)
        return found


def in_surroundings(policy: ReadPolicy, around: Surroundings) -> ReadPolicy:
    """The same policy, with what it names by other objects in their place.

    Args:
        policy: which may name CIDR groups, Services and clusters.
        around: what is known of them; what is not remains a doubt.
    """
    if around.cluster is not None:
        policy = in_cluster(policy, around.cluster)
    if not any(isinstance(peer, _REFERENCES) for rule in policy.rules for peer in rule.peers):
        return policy
    return ReadPolicy(policy.ref, tuple(_rule(rule, around) for rule in policy.rules))


def _rule(rule: Rule, around: Surroundings) -> Rule:
    if any(isinstance(peer, ChosenServices) for peer in rule.peers):
        return replace(rule, peers=_behind_services(rule, around))
    peers = tuple(found for peer in rule.peers for found in _of_groups(peer, around))
    return replace(rule, peers=peers)


# Services


def _behind_services(rule: Rule, around: Surroundings) -> tuple[Matcher, ...]:
    """The peers of a rule that names Services.

    Agents resolve them in `egress` only. Of a rule with ports for which they find nothing, Cilium
    1.20 makes one about every peer; of one without ports, one about none. Other versions differ, so
    the former is in doubt here.
    """
    found: list[Matcher] = []
    if not rule.deny:
        for peer in rule.peers:
            chosen = _services(peer, around) if isinstance(peer, ChosenServices) else None
            if chosen is None:
                return (Unclear(Doubt.SERVICES),)
            for service in chosen:
                if not service.selector and service.backends is None:
                    return (Unclear(Doubt.SERVICES),)
                found += _behind(service)
    if found:
        return tuple(found)
    return () if rule.ports is None else (Unclear(Doubt.SERVICES),)


def _services(chosen: ChosenServices, around: Surroundings) -> list[Service] | None:
    """Those that are meant; None: that is not known."""
    of_name = around.services_by_name.get(chosen.name, []) if chosen.name else around.services
    found = [
        each
        for each in of_name
        if chosen.namespace in ("", each.namespace)
        and all(one.holds(each.labels.get(one.key)) for one in chosen.requirements)
    ]
    return found if found or around.is_complete else None


def _behind(service: Service) -> Iterable[Matcher]:
    if not service.selector:
        return [Cidr(each) for each in service.backends or ()]
    labels = {**service.selector, NAMESPACE_KEY: service.namespace}
    pods = [Requirement(SOURCE_K8S, key, Operator.IN, (value,)) for key, value in labels.items()]
    return [select(pods, pods_only=True)]


# CIDR groups


def _of_groups(peer: Matcher, around: Surroundings) -> Iterable[Matcher]:
    if isinstance(peer, NamedCidrGroup):
        group = around.groups_by_name.get(peer.name)
        if group is None:
            return () if around.is_complete else (peer,)
        if _holds_everything(group.networks):
            return (peer,)
        return [Cidr(network, peer.exceptions) for network in group.networks]
    if isinstance(peer, ChosenCidrGroups):
        return (_chosen(peer, around),)
    return (peer,)


def _chosen(peer: ChosenCidrGroups, around: Surroundings) -> Matcher:
    # Cilium 1.20 takes a selector without requirements for one of every peer, pods too.
    if not peer.requirements:
        return peer
    found = tuple((one.operator, _meeting(one, around)) for one in peer.requirements)
    if not around.is_complete and not all(networks for _, networks in found):
        return peer  # a group that is not given may be meant
    if any(_holds_everything(networks) for _, networks in found):
        return peer
    return InCidrGroups(found, peer.exceptions)


def _meeting(one: Requirement, around: Surroundings) -> tuple[IpNetwork, ...]:
    """The networks of the groups that have the label, with one of the values if there are any."""
    return tuple(
        network
        for group in around.cidr_groups
        if one.key in group.labels
        and (not one.operator.takes_values or group.labels[one.key] in one.values)
        for network in group.networks
    )


def _holds_everything(networks: Iterable[IpNetwork]) -> bool:
    """A group holds 0.0.0.0/0 or ::/0, of which Cilium 1.20 sees a part or nothing.

    It puts no label of a group on what has the identity of the world; see cilium/cilium#48366.
    """
    return any(network.prefixlen == 0 for network in networks)
