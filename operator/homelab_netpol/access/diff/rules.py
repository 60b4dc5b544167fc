"""What policies say of one Namespace: their rules without what its name and labels settle. Pure.

Two Namespaces of which the rules say the same have equal rules here, so that they are judged once:
the Namespace's own name is replaced, and what is not said of its pods is left out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from homelab_netpol.cilium.evaluation import Direction, Doubt, Pod, PolicyRef, ReadPolicy
from homelab_netpol.cilium.evaluation.matchers import (
    DnsNames,
    EndpointSelector,
    Entities,
    Matcher,
    Unclear,
    select,
)
from homelab_netpol.cilium.evaluation.policy import PortSpan, Rule, Tier
from homelab_netpol.cilium.selectors import Operator, Requirement
from homelab_netpol.cilium.terms import (
    NAMESPACE_KEY,
    NAMESPACE_LABELS_PREFIX,
    SOURCE_ANY,
    SOURCE_K8S,
    SOURCE_RESERVED,
)

# No Namespace has a name with a dot: these stand for the one in question, and for any that no
# policy names.
OWN = "its.own"
SOME_OTHER = "some.other"
NAME_LABEL_KEY = f"{NAMESPACE_LABELS_PREFIX}kubernetes.io/metadata.name"

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SaidRule:
    """One rule of a policy, as far as it is about one Namespace.

    Attributes:
        ref: the policy; of a namespaced one the namespace is `OWN`.
        rule: its subject looks at labels of pods only.
    """

    ref: PolicyRef
    rule: Rule


@dataclass(frozen=True, slots=True)
class Atom:
    """The smallest part of rules that can come or go: one peer on one range of ports.

    Attributes:
        direction: of the connections.
        subject: which pods of the Namespace.
        peer: the other end; None: it says nothing of peers, but switches on default deny.
        span: the ports, of one protocol; None: all of all protocols.
        deny: it denies.
        authenticated: it allows after mutual authentication.
        passes: it leaves the decision to the next tier.
        tier: when it is asked.
        priority: within its tier.
    """

    direction: Direction
    subject: Matcher
    peer: Matcher | None
    span: PortSpan | None = None
    deny: bool = False
    authenticated: bool = False
    passes: bool = False
    tier: Tier = Tier.NORMAL
    priority: int = 0

    @property
    def allows(self) -> bool:
        """It lets something pass."""
        return self.peer is not None and not self.deny and not self.passes


def said_of(policies: Iterable[ReadPolicy], name: str, labels: Labels) -> dict[SaidRule, None]:
    """The rules that may be about pods of a Namespace.

    Args:
        policies: those that may select its pods.
        name: of the Namespace.
        labels: of the Namespace.
    """
    anyone = Pod(name, labels, complete=False)
    found: dict[SaidRule, None] = {}
    for policy in policies:
        ref = policy.ref._replace(namespace=OWN) if policy.ref.namespace else policy.ref
        for rule in policy.rules:
            subject = _subject(rule.subject, anyone)
            if subject is not None:
                peers = tuple(_peer(each, name) for each in rule.peers)
                made = dataclasses.replace(rule, subject=subject, peers=peers)
                found[SaidRule(ref, made)] = None
    return found


def atoms_of(rule: Rule) -> Iterator[Atom]:
    """Takes a rule apart."""
    if rule.default_deny:
        yield Atom(rule.direction, rule.subject, None)
    if rule.ports == ():
        return  # ICMP, of which nothing is judged
    spans: list[PortSpan | None] = [None]
    if rule.ports is not None:
        spans = [
            dataclasses.replace(span, protocols=frozenset({protocol}))
            for span in rule.ports
            for protocol in sorted(span.protocols)
        ]
    for peer in rule.peers:
        for one in _parts(peer):
            for span in spans:
                yield Atom(
                    rule.direction,
                    rule.subject,
                    one,
                    span,
                    rule.deny,
                    rule.authenticated,
                    rule.passes,
                    rule.tier,
                    rule.priority,
                )


def is_of_name(one: Requirement) -> bool:
    """It is about the name of the pods' namespace, by whichever label."""
    return one.is_of_pods and one.key in (NAMESPACE_KEY, NAME_LABEL_KEY)


def may_hold(requirements: Iterable[Requirement], pod: Pod) -> bool:
    """Whether none of some requirements is unmet for certain."""
    values = ((one, pod.lookup(one.source, one.key)) for one in requirements)
    return all(isinstance(value, Doubt) or one.holds(value) for one, value in values)


def is_of_namespace_labels(one: Requirement) -> bool:
    """It is about another label of the pods' namespace."""
    return one.is_of_namespace and not is_of_name(one)


def _subject(subject: Matcher, anyone: Pod) -> Matcher | None:
    """What is left to ask of the pods of a Namespace; None: it is about none of them."""
    if not isinstance(subject, EndpointSelector):
        if subject.matches(anyone) is False:
            return None
        if isinstance(subject, Unclear) and subject.namespace == anyone.namespace:
            return Unclear(subject.doubt, OWN)
        return subject
    left: list[Requirement] = []
    for one in subject.requirements:
        value = anyone.lookup(one.source, one.key)
        if isinstance(value, Doubt):
            left.append(_plain(one))
        elif not one.holds(value):
            return None
    return select(left)


def _peer(matcher: Matcher, own: str) -> Matcher:
    if not isinstance(matcher, EndpointSelector):
        return matcher
    if any(one.source == SOURCE_RESERVED for one in matcher.requirements):
        return matcher
    return select((_renamed(_plain(one), own) for one in matcher.requirements), matcher.pods_only)


def _plain(one: Requirement) -> Requirement:
    """`any:app` and `k8s:app` are one label of a pod."""
    return dataclasses.replace(one, source=SOURCE_K8S) if one.source == SOURCE_ANY else one


def _renamed(one: Requirement, own: str) -> Requirement:
    if not is_of_name(one) or own not in one.values:
        return one
    values = tuple(OWN if value == own else value for value in one.values)
    return dataclasses.replace(one, values=values)


def _parts(matcher: Matcher) -> Iterator[Matcher]:
    """A matcher of several peers, one by one."""
    match matcher:
        case Entities(names) if len(names) > 1:
            for name in sorted(names):
                yield Entities(frozenset({name}))
        case DnsNames(names) if len(names) > 1:
            for name in names:
                yield DnsNames((name,))
        case EndpointSelector(requirements, pods_only):
            listing = next(
                (
                    one
                    for one in requirements
                    if is_of_name(one) and one.operator is Operator.IN and len(one.values) > 1
                ),
                None,
            )
            if listing is None:
                yield matcher
                return
            others = [one for one in requirements if one is not listing]
            for value in listing.values:
                one = dataclasses.replace(listing, values=(value,))
                yield select([*others, one], pods_only)
        case _:
            yield matcher
