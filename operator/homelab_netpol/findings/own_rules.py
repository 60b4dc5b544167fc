"""What the operator's policies keep closed in a namespace, asked for single connections. Pure.

Namespaces of which the labels say the same have the same policies but for their name. So they
share one of these, in which another name stands for theirs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Iterable, Sequence

from homelab_netpol.cilium.evaluation.answer import Answer
from homelab_netpol.cilium.evaluation.endpoint import Endpoint, Entity, Pod
from homelab_netpol.cilium.evaluation.matchers import DnsNames, EndpointSelector, Matcher
from homelab_netpol.cilium.evaluation.policy import Direction, ReadPolicy, Rule
from homelab_netpol.cilium.evaluation.turning_ports import turning_ports
from homelab_netpol.cilium.evaluation.verdict import (
    Outcome,
    Selected,
    ask_about,
    judge,
    selected,
)
from homelab_netpol.cilium.selectors import Operator, Requirement
from homelab_netpol.cilium.terms import IpNetwork
from homelab_netpol.findings.peers import Peer, names_of, namespaces_of, networks_of
from homelab_netpol.findings.places import Labels, is_of_name

_Pods = frozenset[tuple[str, str]] | None
# In which direction, of which pods, and whether the peer may be a few addresses only.
_Asked = tuple[Direction, _Pods, bool]


class OwnRules:
    """The operator's policies for pods of one namespace.

    Attributes:
        known: what was found out about rules of others, kept for the other namespaces.
    """

    def __init__(self, policies: Iterable[ReadPolicy], name: str, labels: Labels) -> None:
        """Prepares.

        Args:
            policies: all that may select pods of the namespace.
            name: the namespace's name in these policies.
            labels: those of its labels that a policy looks at.
        """
        self.known: dict[Hashable, list[str]] = {}
        self._keys: dict[int, tuple[frozenset[str], bool]] = {}
        self._policies = tuple(policies)
        self._name = name
        self._labels = labels
        self._selected: dict[_Asked, tuple[Selected, ...]] = {}
        self._denied: dict[Hashable, bool] = {}
        self._last: tuple[Endpoint, str, _Asked, Endpoint, tuple[Answer, ...]] | None = None
        rules = [rule for policy in self._policies for rule in policy.rules]
        self.is_same_for_all_pods = all(_is_of_whole_namespaces(rule.subject) for rule in rules)
        peers = [matcher for rule in rules for matcher in rule.peers]
        self.named = frozenset(namespaces_of(peers))
        self.networks: tuple[IpNetwork, ...] = tuple(dict.fromkeys(networks_of(peers)))
        self.turns: Sequence[int] = turning_ports(rules)

    def deny(
        self,
        namespace: str,
        direction: Direction,
        pod: Labels,
        peer: Peer,
        endpoint: Endpoint,
        port: int,
        protocol: str,
    ) -> bool:
        """Whether they certainly deny a pod of the namespace a connection.

        Args:
            namespace: its name.
            direction: of the connection.
            pod: the pod's labels.
            peer: the other end.
            endpoint: of this end the one that is asked about.
            port: the destination port.
            protocol: TCP, UDP or SCTP.
        """
        pods = None if self.is_same_for_all_pods else frozenset(pod.items())
        asked = (direction, pods, peer.few)
        rules = self._rules(asked, pod)
        end, met = self._met(endpoint, namespace, asked, rules)
        # Which rules are about an end decides, and else only whether it is the pod's own node.
        entity = end if isinstance(end, Entity) else None
        key = (asked, port, protocol, entity, met)
        denied = self._denied.get(key)
        if denied is None:
            outcome = judge(ask_about(rules, port, protocol), end).outcome
            denied = self._denied[key] = outcome is Outcome.DENIED
        return denied

    def key_of(self, rule: Rule, namespace: str, is_clusterwide: bool) -> Hashable | None:
        """What a foreign rule says of a namespace; None: that depends on its labels.

        The rules must live as long as this: they may be distinguished by their identity.
        """
        known = self._keys.get(id(rule))
        if known is None:
            known = self._keys[id(rule)] = names_of(rule)
        names, looks_at_labels = known
        if looks_at_labels:
            return None
        if namespace not in names:
            # A chart's policy is in many namespaces, a clusterwide one is asked about each.
            return id(rule) if is_clusterwide else (rule.direction, rule.peers, rule.ports)
        peers = tuple(self._renamed_in(matcher, namespace) for matcher in rule.peers)
        return rule.direction, peers, rule.ports

    def _renamed_in(self, matcher: Matcher, namespace: str) -> Matcher:
        if not isinstance(matcher, EndpointSelector):
            return matcher
        requirements = tuple(self._renamed(one, namespace) for one in matcher.requirements)
        return EndpointSelector(requirements, matcher.pods_only)

    def _renamed(self, one: Requirement, namespace: str) -> Requirement:
        if one.operator is not Operator.IN or not is_of_name(one) or namespace not in one.values:
            return one
        values = tuple(self._name if value == namespace else value for value in one.values)
        return dataclasses.replace(one, values=values)

    def _rules(self, asked: _Asked, pod: Labels) -> tuple[Selected, ...]:
        rules = self._selected.get(asked)
        if rules is None:
            direction, _, few = asked
            rules = selected(self._policies, Pod(self._name, self._labels, pod), direction)
            if not few:
                rules = tuple(map(_without_names, rules))
            self._selected[asked] = rules
        return rules

    def _met(
        self, endpoint: Endpoint, namespace: str, asked: _Asked, rules: Iterable[Selected]
    ) -> tuple[Endpoint, tuple[Answer, ...]]:
        """The endpoint by the names of these policies, and which of the rules are about it."""
        last = self._last
        # One endpoint is asked about on many ports, one after the other.
        if last is None or last[0] is not endpoint or last[1:3] != (namespace, asked):
            end = endpoint
            if isinstance(end, Pod) and end.namespace == namespace:
                end = dataclasses.replace(end, namespace=self._name)
            met = tuple(one.rule.meets(end) for one in rules)
            last = self._last = (endpoint, namespace, asked, end, met)
        return last[3], last[4]


def _is_of_whole_namespaces(subject: Matcher) -> bool:
    return isinstance(subject, EndpointSelector) and all(
        one.is_of_namespace for one in subject.requirements
    )


def _without_names(one: Selected) -> Selected:
    """The rule as it looks to many addresses: names resolve to a few of them."""
    peers = tuple(peer for peer in one.rule.peers if not isinstance(peer, DnsNames))
    if len(peers) == len(one.rule.peers):
        return one
    return one._replace(rule=dataclasses.replace(one.rule, peers=peers))
