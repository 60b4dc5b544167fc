"""Needs from policies by hand: each rule becomes the connections that it allows today. Pure.

A rule names ends; of these, the ones that the cluster model has are taken, and of each the ports of
the rule. What passes at both ends today is needed. A rule that means nearly everything of the
cluster says nothing of who needs it: it is listed, and flows can say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.ends import EVERY_PORT, EVERY_TCP_PORT, Member, Ports
from homelab_netpol.access.ends_find import EndFinder
from homelab_netpol.access.explain_judge import Judge
from homelab_netpol.access.reach import usual_peers
from homelab_netpol.cilium.evaluation import Direction, Name, Network, Outcome, Pod, RulePlace
from homelab_netpol.cilium.evaluation.matchers import (
    Cidr,
    DnsNames,
    EndpointSelector,
    Entities,
    Lacking,
)
from homelab_netpol.cilium.evaluation.policy import PortSpan, Rule
from homelab_netpol.cilium.evaluation.verdict import Selected
from homelab_netpol.cilium.selectors import Operator
from homelab_netpol.cilium.terms import LAST_PORT, NAMESPACE_KEY, TRANSPORT_PROTOCOLS
from homelab_netpol.recommendation.frame import as_today
from homelab_netpol.recommendation.needs import Need, merge

# Of more Namespaces than so many, a rule does not say whom it is there for.
_MOST_NAMESPACES = 20
_WORLD = ("world", "all")
_NODES = ("host", "remote-node", "kube-apiserver", "health", "ingress")
_WHOLE_CLUSTER = ("cluster", "all")


@dataclass
class RuleNeeds:
    """What rules come to.

    Attributes:
        needs: connections that pass today, by a rule for one of their ends.
        broad: rules of which it cannot be said whom they are there for.
        denied: rules' connections that the other end, or a deny rule, does not let pass today.
        filtered: rules of HTTP or DNS requests, of which labels can only say the port.
        portless: rules of ICMP.
        deny_rules: rules that deny.
        any_protocol: rules that give no protocol.
        nobody: rules for pods that there are not.
        unclear: rules of which it cannot be said whom, or which port, they mean.
        missing: Namespaces that rules name, and no manifest does.
    """

    needs: list[Need] = field(default_factory=list)
    broad: list[str] = field(default_factory=list)
    denied: int = 0
    filtered: list[str] = field(default_factory=list)
    portless: list[str] = field(default_factory=list)
    deny_rules: list[str] = field(default_factory=list)
    any_protocol: list[str] = field(default_factory=list)
    nobody: list[str] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)

    def notes(self) -> list[str]:
        """What a reader must know."""
        said = (
            (self.broad, "means nearly all of the cluster: flows would say who uses it"),
            (self.filtered, "looks at requests (HTTP, DNS): labels open the whole port"),
            (self.portless, "is about ICMP, which only a NetworkProfile says"),
            (self.unclear, "means what cannot be said from what is given: not counted as needed"),
            (self.nobody, "is for pods that there are not: not needed"),
            (self.deny_rules, "denies: with labels what nothing allows is denied, and no more"),
        )
        notes = [f"{each} {words}" for places, words in said for each in dict.fromkeys(places)]
        if self.any_protocol:
            notes.append(
                f"rules that give a port and no protocol: {len(set(self.any_protocol)):,}; TCP is"
                " taken, or what the containers declare"
            )
        if self.denied:
            notes.append(
                f"of what rules allow, {self.denied:,} do not pass today, by the other end's"
                " policies or a deny rule, and so are not needed"
            )
        return notes


def needs_of_policies(model: ClusterModel, scope: Collection[str]) -> RuleNeeds:
    """The needs of some Namespaces, by the policies by hand of both ends.

    Args:
        model: the cluster.
        scope: the Namespaces that will be labelled; a need has an end in one of them.

    Raises:
        RenderError: a template cannot be rendered.
    """
    return _Reader(as_today(model), frozenset(scope)).read()


class _Reader:
    def __init__(self, model: ClusterModel, scope: frozenset[str]) -> None:
        self._model = model
        self._scope = scope
        self._finder = EndFinder(model)
        self._judge = Judge(model)
        self._read = RuleNeeds()
        self._members: dict[str, list[Member]] = {}
        usual = (
            each
            for ends in usual_peers(self._finder).values()
            for end in ends
            for each in end.members
        )
        self._usual = list({each.words: each for each in usual}.values())
        self._foreign = {each.namespace for each in model.foreign}

    def read(self) -> RuleNeeds:
        self._judge.consider(self._model.namespaces)
        found: dict[tuple[object, ...], Need] = {}
        for name in sorted({*self._scope, *self._foreign} - {""}):
            for own in self._pods(name):
                for direction in Direction:
                    for need in self._of_pod(own, direction):
                        merge(found, need)
        self._read.needs = list(found.values())
        return self._read

    def _pods(self, namespace: str) -> list[Member]:
        if namespace not in self._members:
            self._members[namespace] = [
                member
                for each in self._model.workloads.get(namespace, ())
                for member in self._finder.known.workload(each)
                if member.pod is not None
            ]
        return self._members[namespace]

    def _of_pod(self, own: Member, direction: Direction) -> Iterator[Need]:
        if own.pod is None:
            return
        for one in self._judge.rules_of(own.pod, direction):
            if self._model.is_own(one.ref) or not one.ref.namespace:
                continue  # clusterwide ones stay, whatever labels say
            place = str(RulePlace(one.ref, one.rule.place))
            if one.rule.deny:
                self._read.deny_rules.append(place)
            elif one.rule.allows and one.rule.peers:
                yield from self._of_rule(own, direction, one, place)

    def _of_rule(
        self, own: Member, direction: Direction, one: Selected, place: str
    ) -> Iterator[Need]:
        rule = one.rule
        if any(span.filtered for span in rule.ports or ()):
            self._read.filtered.append(place)
        outward = direction is Direction.EGRESS
        for peer in self._peers(own, direction, rule, place):
            is_ours = own.pod is not None and own.pod.namespace in self._scope
            is_theirs = peer.pod is not None and peer.pod.namespace in self._scope
            if peer.words == own.words or not (is_ours or is_theirs):
                continue
            source, target = (own, peer) if outward else (peer, own)
            for ports in self._ports(rule, target, place):
                need = Need(source, target, ports, 1, (str(one.ref),))
                outcomes = [each.outcome for each in self._judge.cases(source, target, ports)]
                if Outcome.DENIED in outcomes:
                    self._read.denied += 1
                else:
                    yield need

    def _peers(self, own: Member, direction: Direction, rule: Rule, place: str) -> Iterator[Member]:
        for matcher in rule.peers:
            if isinstance(matcher, Entities):
                yield from self._of_entities(matcher, place)
            elif isinstance(matcher, Cidr):
                if matcher.network.prefixlen == 0:
                    yield from self._finder.known.internet().members
                else:
                    yield Member(str(matcher.network), Network(matcher.network))
            elif isinstance(matcher, DnsNames) and direction is Direction.EGRESS:
                for name in matcher.names:
                    yield Member(name, Name(name.replace("*", "example")))
            elif isinstance(matcher, EndpointSelector):
                yield from self._of_selector(own, matcher, place)
            elif isinstance(matcher, Lacking):
                self._read.broad.append(place)
            else:
                self._read.unclear.append(place)

    def _of_entities(self, matcher: Entities, place: str) -> Iterator[Member]:
        if matcher.names & set(_WORLD):
            yield from self._finder.known.internet().members
        if matcher.names & set(_WHOLE_CLUSTER):
            self._read.broad.append(place)
        for name in _NODES:
            if name in matcher.names:
                yield from self._finder.known.entity(name).members

    def _of_selector(self, own: Member, matcher: EndpointSelector, place: str) -> Iterator[Member]:
        names = self._namespaces_of(matcher)
        if names is None:
            meant = {
                name
                for name in self._model.workloads
                for member in self._pods(name)
                if matcher.matches(member.endpoint) is True
            }
            if len(meant) > _MOST_NAMESPACES:
                self._read.broad.append(place)
                return
            names = sorted(meant)
        for name in names:
            found = [
                each
                for each in self._pods(name) or self._unseen(name, matcher)
                if matcher.matches(each.endpoint) is not False
            ]
            if not found:
                self._read.nobody.append(place)
            yield from found

    def _unseen(self, namespace: str, matcher: EndpointSelector) -> list[Member]:
        """Pods of a Namespace of which none is given: those of the settings, or any that fit."""
        if namespace not in self._model.namespaces:
            self._read.missing.add(namespace)
        usual = [each for each in self._usual if _namespace(each) == namespace]
        if any(matcher.matches(each.endpoint) is not False for each in usual):
            return usual
        labels = {
            one.key: one.values[0]
            for one in matcher.requirements
            if one.operator is Operator.IN and len(one.values) == 1 and one.key != NAMESPACE_KEY
        }
        return [Member(namespace, self._finder.known.some_pod(namespace, labels))]

    def _namespaces_of(self, matcher: EndpointSelector) -> Sequence[str] | None:
        """The Namespaces that a selector names; None: it names none."""
        for one in matcher.requirements:
            if one.key == NAMESPACE_KEY and one.operator is Operator.IN:
                return one.values
        return None

    def _ports(self, rule: Rule, target: Member, place: str) -> Iterator[Ports]:
        if rule.ports is None:
            yield from _declared(target)
            return
        for span in rule.ports:
            if span.name:
                named = list(_named(span, target))
                yield from named
                self._read.unclear += [] if named else [place]
            elif not span.protocols & set(TRANSPORT_PROTOCOLS):
                self._read.portless.append(place)
            else:
                first, last = (span.first, span.last) if span.first else (1, LAST_PORT)
                for protocol in self._protocols(span, target, place):
                    yield Ports(protocol, first, last)

    def _protocols(self, span: PortSpan, target: Member, place: str) -> list[str]:
        """Of a rule for any protocol those that the target's containers declare, or TCP."""
        meant = [each for each in TRANSPORT_PROTOCOLS if each in span.protocols]
        if len(meant) == 1:
            return meant
        self._read.any_protocol.append(place)
        ports = target.workload.ports if target.workload is not None else ()
        declared = {each.protocol for each in ports if span.first <= each.number <= span.last}
        return [each for each in meant if each in declared] or ["TCP"]


def _declared(target: Member) -> Iterable[Ports]:
    """On which ports a rule without ports is used: those of the containers, if they say."""
    if target.workload is not None and target.workload.ports:
        return [Ports.one(each.number, each.protocol) for each in target.workload.ports]
    if isinstance(target.endpoint, Pod):
        return [EVERY_TCP_PORT]
    return [each for each in EVERY_PORT if each.protocol != "SCTP"]


def _named(span: PortSpan, target: Member) -> Iterator[Ports]:
    for each in target.workload.ports if target.workload is not None else ():
        if each.name.lower() == span.name.lower() and each.protocol in span.protocols:
            yield Ports.one(each.number, each.protocol)


def _namespace(member: Member) -> str:
    return member.endpoint.namespace if isinstance(member.endpoint, Pod) else ""


def policies_by_hand(model: ClusterModel, scope: Collection[str]) -> Counter[str]:
    """How many policies of others each Namespace of a scope has."""
    return Counter(each.namespace for each in model.foreign if each.namespace in scope)
