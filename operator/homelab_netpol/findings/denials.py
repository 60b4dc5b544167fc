"""Deny rules that win over what the operator allows: over an open hatch, and over grants. Pure.

A deny rule of Cilium's wins over every rule that allows, and one of the tier Admin over all others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from homelab_netpol.cilium.evaluation.endpoint import Endpoint, Pod
from homelab_netpol.cilium.evaluation.matchers import EVERY_PEER, select
from homelab_netpol.cilium.evaluation.policy import (
    Direction,
    PolicyRef,
    ReadPolicy,
    Rule,
    Tier,
)
from homelab_netpol.cilium.evaluation.turning_ports import turning_ports
from homelab_netpol.cilium.evaluation.verdict import (
    DirectionVerdict,
    Outcome,
    egress_verdict,
    ingress_verdict,
)
from homelab_netpol.findings.finding import (
    Finding,
    FindingReason,
    name_policies,
    name_ports,
)
from homelab_netpol.findings.flows import directions_in_words, what_counts
from homelab_netpol.findings.peers import (
    Peer,
    PeerContext,
    names_of,
    namespaces_of,
    networks_of,
    peers_of,
    selected_pods,
)
from homelab_netpol.findings.places import Labels, Places
from homelab_netpol.findings.ports import GrantedPort

# What the hatch, or a grant, allows: any connection that is asked about.
_ALLOWED = ReadPolicy(
    PolicyRef("", "", ""),
    tuple(
        Rule(direction, select(()), peers=(EVERY_PEER,), default_deny=False)
        for direction in Direction
    ),
)
_WAYS = {Direction.INGRESS: "denies ingress from", Direction.EGRESS: "denies egress to"}
# An Event has room for more, but a finding's text has not.
_LONGEST_LIST = 250


@dataclass(frozen=True, slots=True)
class DeniedNamespace:
    """A namespace, and who may deny it something.

    Attributes:
        name: its name.
        labels: of the Namespace.
        pods: the labels of its pods.
        overruling: the policies of others that may select its pods and overrule what is allowed.
    """

    name: str
    labels: Labels
    pods: Sequence[Labels]
    overruling: Sequence[ReadPolicy]


class DenyRules:
    """Finds the deny rules that win over the hatch; keeps what is the same everywhere."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._known: dict[int, list[str]] = {}

    def in_words(self, namespace: DeniedNamespace) -> str:
        """Which policies certainly deny pods of the namespace what; "": none does."""
        found = [
            (policy.ref, denied)
            for policy in namespace.overruling
            if (denied := self._denied_by(policy, namespace))
        ]
        if not found:
            return ""
        room = _LONGEST_LIST // min(len(found), 2)
        parts = []
        for ref, denied in found[:2]:
            named = name_policies([ref._replace(namespace="")])
            parts.append(f"{named} {directions_in_words(denied, room - len(named), _WAYS)}")
        if len(found) > len(parts):
            parts.append(f"{len(found) - len(parts)} more policies deny something")
        return "; ".join(parts)

    def _denied_by(
        self, policy: ReadPolicy, namespace: DeniedNamespace
    ) -> Mapping[Direction, list[str]]:
        found: dict[Direction, dict[str, None]] = {}
        for rule in policy.rules:
            if rule.deny and rule.tier is not Tier.BASELINE:
                for words in self._denied(rule, policy, namespace):
                    found.setdefault(rule.direction, {})[words] = None
        return {direction: list(words) for direction, words in found.items()}

    def _denied(self, rule: Rule, policy: ReadPolicy, namespace: DeniedNamespace) -> list[str]:
        pods = selected_pods(rule.subject, namespace.name, namespace.labels, namespace.pods)
        if not pods:
            return []
        names, by_label = names_of(rule)
        # A rule of the first tier that allows or passes may come before it.
        is_plain = all(each.deny for one in namespace.overruling for each in _first_tier(one))
        is_the_same = is_plain and not by_label and namespace.name not in names
        if is_the_same and id(rule) in self._known:
            return self._known[id(rule)]
        found = _effect(rule, policy, namespace, pods, self._places)
        if is_the_same:
            self._known[id(rule)] = found
        return found


def hatch_finding(namespace: str, deny_rules: str) -> Finding:
    """Describes to the owner of a namespace what keeps its open hatch from letting all through."""
    message = (
        f"The escape hatch is open, but deny rules win over it: {deny_rules}. Narrow or delete"
        " them: no label and no rule that allows helps."
    )
    return Finding(FindingReason.HATCH_DENIED, namespace, message)


@dataclass(frozen=True, slots=True)
class GrantedEnd:
    """What a grant opens: an end of connections, in words, and the ports."""

    words: str
    endpoint: Endpoint
    ports: Sequence[GrantedPort]


def consumer_finding(
    grant: str, consumer: DeniedNamespace, ends: Iterable[GrantedEnd]
) -> Finding | None:
    """What certainly keeps all pods of a grant's holder from what it opens, on their own side."""
    rules = [rule for policy in consumer.overruling for rule in policy.rules]
    turns = turning_ports(rules)
    pods = [Pod(consumer.name, consumer.labels, labels) for labels in consumer.pods] or [
        Pod(consumer.name, consumer.labels, complete=False)
    ]
    deciding = [*consumer.overruling, _ALLOWED]
    refs: set[PolicyRef] = set()
    denied: dict[str, dict[GrantedPort, None]] = {}
    for end in ends:
        for port in end.ports:
            for number in port.telling(turns):
                by = _denying_all(deciding, pods, end.endpoint, number, port.protocol)
                if by:
                    refs |= by
                    denied.setdefault(end.words, {})[port] = None
    if not denied:
        return None
    where, ports = next(iter(denied.items()))
    named = name_ports((port.protocol, port.number, port.end) for port in ports)
    more = f", and {len(denied) - 1} more" if len(denied) > 1 else ""
    message = (
        f"The grant {grant} does not work: a deny rule of {name_policies(sorted(refs))} keeps this"
        f" namespace from {where} on {named}{more}, and no rule that allows wins over it. Narrow"
        " that rule."
    )
    return Finding(FindingReason.CONSUMER_DENIES, consumer.name, message)


def _denying_all(
    deciding: Sequence[ReadPolicy], pods: Iterable[Pod], peer: Endpoint, port: int, protocol: str
) -> set[PolicyRef]:
    """The policies that deny it to all of the pods; none, if one may have it."""
    refs: set[PolicyRef] = set()
    for pod in pods:
        verdict = egress_verdict(deciding, pod, peer, port, protocol)
        if not _is_denied(verdict):
            return set()
        refs |= set(verdict.policies)
    return refs


def _is_denied(verdict: DirectionVerdict) -> bool:
    return verdict.outcome is Outcome.DENIED and verdict.by_deny_rule


def _first_tier(policy: ReadPolicy) -> list[Rule]:
    return [rule for rule in policy.rules if rule.tier is Tier.ADMIN]


def _effect(
    rule: Rule,
    policy: ReadPolicy,
    namespace: DeniedNamespace,
    pods: Sequence[Labels],
    places: Places,
) -> list[str]:
    """What a deny rule keeps from passing though the hatch allows it, of these pods for any."""
    others = [each for policy in namespace.overruling for each in policy.rules]
    matchers = [matcher for each in others for matcher in each.peers]
    around = PeerContext(
        namespace.name, places, frozenset(namespaces_of(matchers)), tuple(networks_of(matchers))
    )
    ask = ingress_verdict if rule.direction is Direction.INGRESS else egress_verdict
    asked = policy.with_rule_on_all_ports(rule)
    deciding = [asked, _ALLOWED, *(one for one in namespace.overruling if one is not policy)]

    def is_denied(_peer: Peer, endpoint: Endpoint, port: int, protocol: str) -> bool:
        for labels in pods:
            pod = Pod(namespace.name, namespace.labels, labels)
            verdict = ask(deciding, pod, endpoint, port, protocol)
            if _is_denied(verdict) and policy.ref in verdict.policies:
                return True
        return False

    return what_counts(rule, peers_of(rule, around), turning_ports(others), is_denied)
