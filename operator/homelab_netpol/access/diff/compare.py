"""Which connections pass by one set of rules and not by another, for the pods of a Namespace. Pure.

Every verdict is `cilium/evaluation`'s. Where it is in doubt, a change says so: a gate must not let
through what only may be harmless.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from homelab_netpol.access.diff.points import Surroundings
from homelab_netpol.access.diff.rules import (
    OWN,
    Atom,
    Labels,
    SaidRule,
    atoms_of,
    is_of_namespace_labels,
)
from homelab_netpol.cilium.evaluation import Direction, Endpoint, Network, Outcome, Pod, PolicyRef
from homelab_netpol.cilium.evaluation.answer import Doubt
from homelab_netpol.cilium.evaluation.matchers import (
    EVERY_PEER,
    DnsNames,
    EndpointSelector,
    Matcher,
    select,
)
from homelab_netpol.cilium.evaluation.policy import PortSpan, Rule, Tier
from homelab_netpol.cilium.evaluation.verdict import Question, Selected, ask_about, judge
from homelab_netpol.cilium.selectors import Operator, Requirement
from homelab_netpol.cilium.terms import LAST_PORT, NAMESPACE_KEY, SOURCE_K8S, TRANSPORT_PROTOCOLS


class Passes(IntEnum):
    """What becomes of a connection, in order: the later, the more passes."""

    NO = 0
    PERHAPS = 1
    FILTERED = 2
    YES = 3


@dataclass(frozen=True, slots=True)
class PortRange:
    """Ports of one protocol, or a port by its name."""

    protocol: str
    first: int
    last: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """One connection that comes out differently.

    Attributes:
        pod: labels of the Namespace's pod.
        peer: the other end.
        port: the port.
        protocol: TCP, UDP or SCTP.
        before: what became of it.
        after: what becomes of it.
    """

    pod: Labels
    peer: Endpoint
    port: int
    protocol: str
    before: Passes
    after: Passes


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that pods of a Namespace may do now, or no longer.

    Attributes:
        gain: it passes now; else it no longer does.
        direction: seen from the Namespace.
        subject: which of its pods.
        peer: the other end; None: everything but what rules allow.
        ports: the ports; empty: all of all protocols.
        certain: of no doubt.
        filtered: of the requests only some pass, by rules of HTTP, DNS etc.: now, or until now.
        policies: whose rules came or went.
        example: one of the connections.
    """

    gain: bool
    direction: Direction
    subject: Matcher
    peer: Matcher | None
    ports: tuple[PortRange, ...]
    certain: bool
    filtered: bool
    policies: tuple[PolicyRef, ...]
    example: Example


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs.

    Attributes:
        differences: losses and gains.
        without_effect: what came or went and changes no connection, as other rules, or none at
            all, allow it anyway; each with whether it came, and its policies.
        is_cut: there was more to ask than is asked: that nothing else differs is not certain.
    """

    differences: tuple[Difference, ...] = ()
    without_effect: tuple[tuple[bool, Atom, tuple[PolicyRef, ...]], ...] = ()
    is_cut: bool = False


@dataclass(frozen=True)
class View:
    """One side, as one Namespace sees it.

    Attributes:
        rules: what policies say of it.
        labels: of each Namespace, its own by the name `OWN`.
    """

    rules: Mapping[SaidRule, None]
    labels: Mapping[str, Labels]


def compare(before: View, after: View, moved: Iterable[str] = ()) -> Comparison:
    """Compares what passes.

    Args:
        before: one side.
        after: the other.
        moved: the Namespaces whose labels are not the same on both, which rules may look at.
    """
    moved = tuple(moved)
    found = [_Direction(before, after, direction, moved).comparison() for direction in Direction]
    return Comparison(
        tuple(each for one in found for each in one.differences),
        tuple(each for one in found for each in one.without_effect),
        any(one.is_cut for one in found),
    )


class _Side:
    """The rules of one side in one direction, and what they answer."""

    def __init__(self, view: View, direction: Direction) -> None:
        self.said = [each for each in view.rules if each.rule.direction is direction]
        self.view = view
        self._direction = direction
        self._selected: dict[tuple[tuple[tuple[str, str], ...], bool], tuple[Selected, ...]] = {}
        self._questions: dict[tuple[int, int, str], Question] = {}

    def passes(self, pod: Labels, peer: Endpoint, port: int, protocol: str) -> Passes:
        """What becomes of a connection."""
        own = tuple(sorted(pod.items()))
        # Names resolve to a few addresses; what stands for all of a network is none of them.
        nameless = isinstance(peer, Network)
        if isinstance(peer, Pod):
            labels = self.view.labels.get(peer.namespace)
            if labels is not None and labels != peer.namespace_labels:
                peer = dataclasses.replace(peer, namespace_labels=labels)
        rules = self._selected.get((own, nameless))
        if rules is None:
            rules = self._selected[own, nameless] = tuple(self._select(pod, nameless))
        asked = (id(rules), port, protocol)
        question = self._questions.get(asked)
        if question is None:
            question = self._questions[asked] = ask_about(rules, port, protocol)
        verdict = judge(question, peer)
        match verdict.outcome:
            case Outcome.DENIED:
                return Passes.NO
            case Outcome.UNKNOWN:
                return Passes.PERHAPS
            case _:
                return Passes.FILTERED if verdict.filtered else Passes.YES

    def _select(self, labels: Labels, nameless: bool) -> Iterator[Selected]:
        pod = Pod(OWN, self.view.labels.get(OWN), labels)
        for ref, rule in ((each.ref, each.rule) for each in self.said):
            certainty = rule.subject.matches(pod)
            if certainty is False:
                continue
            if nameless and any(isinstance(peer, DnsNames) for peer in rule.peers):
                peers = tuple(peer for peer in rule.peers if not isinstance(peer, DnsNames))
                rule = dataclasses.replace(rule, peers=peers)
            yield Selected(ref, rule, certainty)


@dataclass(slots=True)
class _Found:
    """What differs of one atom, for one sort of pods."""

    ports: dict[PortRange, None] = field(default_factory=dict)
    certain: bool = False
    filtered: bool = True
    example: Example | None = None


class _Direction:
    def __init__(
        self, before: View, after: View, direction: Direction, moved: Sequence[str]
    ) -> None:
        self._sides = (_Side(before, direction), _Side(after, direction))
        self._moved = moved
        rules = [each.rule for side in self._sides for each in side.said]
        known = {**before.labels, **after.labels}
        self._around = Surroundings(rules, known)
        self._turns = _turns(rules)
        self._origins: tuple[dict[Atom, dict[PolicyRef, None]], ...] = ({}, {})
        self._changed = self._find_changed()

    def comparison(self) -> Comparison:
        if not any(self._changed):
            return Comparison()
        found: dict[tuple[object, ...], Difference] = {}
        idle: dict[tuple[bool, Atom], tuple[PolicyRef, ...]] = {}
        for came, changed in enumerate(self._changed):
            for atom in changed:
                differences = list(self._differences(atom, bool(came)))
                for each in differences:
                    key = (each.gain, each.subject, each.peer, each.ports, each.filtered)
                    found.setdefault(key, each)
                if not differences and atom.allows:
                    idle[bool(came), atom] = tuple(self._origins[came][atom])
        return Comparison(
            tuple(found.values()),
            tuple((came, atom, refs) for (came, atom), refs in idle.items()),
            self._around.is_cut,
        )

    def _find_changed(self) -> tuple[list[Atom], list[Atom]]:
        """The atoms that only one side has."""
        before, after = (dict.fromkeys(each.rule for each in side.said) for side in self._sides)
        kept = [rule for rule in before if rule in after]
        in_kept: set[Atom] | None = None
        found: list[dict[Atom, None]] = []
        for number, (own, other) in enumerate(((before, after), (after, before))):
            atoms: dict[Atom, None] = {}
            for each in self._sides[number].said:
                if each.rule in own and each.rule not in other:
                    for atom in atoms_of(each.rule):
                        atoms[atom] = None
                        self._origins[number].setdefault(atom, {})[each.ref] = None
            found.append(atoms)
        for number in range(2):
            for atom, refs in self._of_moved(number, kept):
                found[number][atom] = None
                self._origins[number].setdefault(atom, {}).update(refs)
        if any(found):
            in_kept = {atom for rule in kept for atom in atoms_of(rule)}
        only = (
            [atom for atom in found[0] if atom not in found[1] and atom not in (in_kept or ())],
            [atom for atom in found[1] if atom not in found[0] and atom not in (in_kept or ())],
        )
        return only

    def _of_moved(
        self, number: int, kept: Iterable[Rule]
    ) -> Iterator[tuple[Atom, dict[PolicyRef, None]]]:
        """What rules by labels of Namespaces mean on one side only, as the labels changed."""
        if not self._moved:
            return
        side, other = self._sides[number], self._sides[1 - number]
        of_kept = set(kept)
        for each in side.said:
            if each.rule not in of_kept:
                continue
            for atom in atoms_of(each.rule):
                peer = atom.peer
                if not isinstance(peer, EndpointSelector):
                    continue
                by_label = [one for one in peer.requirements if is_of_namespace_labels(one)]
                if not by_label:
                    continue
                for name in self._moved:
                    if _holds(by_label, side, name) and not _holds(by_label, other, name):
                        rest = [one for one in peer.requirements if one not in by_label]
                        named = Requirement(SOURCE_K8S, NAMESPACE_KEY, Operator.IN, (name,))
                        moved = select([*rest, named], peer.pods_only)
                        yield dataclasses.replace(atom, peer=moved), {each.ref: None}

    def _differences(self, atom: Atom, came: bool) -> Iterator[Difference]:
        gains_first = came == (atom.peer is not None and not atom.deny)
        # Where rules of several tiers meet, one that goes may open or close what the next one says.
        passes_on = any(
            each.rule.passes or each.rule.tier is not Tier.NORMAL
            for side in self._sides
            for each in side.said
        )
        seen: dict[tuple[bool, bool], set[PortRange]] = {}
        for subject in self._subjects(atom):
            found: dict[tuple[bool, bool], _Found] = {}
            for example, ports in self._asked(atom, subject, gains_first):
                gain = example.after > example.before or (
                    example.after == example.before and gains_first
                )
                if gain is not gains_first and not passes_on:
                    continue  # another atom is the reason
                filtered = Passes.FILTERED in (example.before, example.after)
                one = found.setdefault((gain, filtered), _Found())
                one.ports[ports] = None
                certain = Passes.PERHAPS not in (example.before, example.after)
                if one.example is None or (certain and not one.certain):
                    one.example = example
                one.certain = one.certain or certain
            for (gain, filtered), one in found.items():
                # What is so for more pods is said of them already.
                new = set(one.ports) - seen.get((gain, filtered), set())
                if not new or one.example is None:
                    continue
                seen.setdefault((gain, filtered), set()).update(new)
                yield Difference(
                    gain,
                    atom.direction,
                    subject,
                    atom.peer,
                    () if _is_every_port(one.ports) else _joined(new),
                    one.certain,
                    filtered,
                    tuple(self._origins[came][atom]),
                    one.example,
                )

    def _subjects(self, atom: Atom) -> list[Matcher]:
        """The atom's pods, then those of them that other rules are about as well."""
        found: dict[Matcher, None] = {atom.subject: None}
        if not isinstance(atom.subject, EndpointSelector):
            return list(found)
        for side in self._sides:
            for each in side.said:
                other = each.rule.subject
                if isinstance(other, EndpointSelector) and other.requirements:
                    found[select([*atom.subject.requirements, *other.requirements])] = None
        return list(found)

    def _peers(self, atom: Atom) -> list[Endpoint]:
        found = list(self._around.ends(EVERY_PEER if atom.peer is None else atom.peer))
        if atom.deny or atom.passes:
            # What it kept out may be what other rules let in.
            for side in self._sides:
                for each in side.said:
                    for peer in each.rule.peers:
                        found += self._around.ends(peer, atom.peer)
        meant = (
            end
            for end in found
            if atom.peer is None or any(atom.peer.matches(s) is not False for s in self._seen(end))
        )
        return list({_key(end): end for end in meant}.values())

    def _seen(self, end: Endpoint) -> Iterator[Endpoint]:
        for side in self._sides:
            labels = side.view.labels.get(end.namespace) if isinstance(end, Pod) else None
            if labels is None or not isinstance(end, Pod):
                yield end
            else:
                yield dataclasses.replace(end, namespace_labels=labels)

    def _asked(
        self, atom: Atom, subject: Matcher, gains: bool
    ) -> Iterator[tuple[Example, PortRange]]:
        """Connections that come out differently, or that are in doubt on both sides."""
        before, after = self._sides
        ranges = _ranges(atom.span, self._turns)
        ends = self._peers(atom)
        for pod in self._around.subject_labels(subject):
            for end in ends:
                for ports in ranges:
                    asked = (pod, end, ports.first, ports.protocol)
                    was, now = before.passes(*asked), after.passes(*asked)
                    if was is not now or was is Passes.PERHAPS:
                        said = ports
                        if atom.span is not None and atom.span.name:
                            said = PortRange(ports.protocol, 0, 0, atom.span.name)
                        yield Example(pod, end, ports.first, ports.protocol, was, now), said


def _key(end: Endpoint) -> Hashable:
    if not isinstance(end, Pod):
        return end
    of_namespace = end.namespace_labels or {}
    return end.namespace, frozenset(end.labels.items()), frozenset(of_namespace.items())


def _holds(requirements: Iterable[Requirement], side: _Side, name: str) -> bool:
    labels = side.view.labels.get(name)
    if labels is None:
        return False
    pod = Pod(name, labels)
    for one in requirements:
        value = pod.lookup(one.source, one.key)
        if not isinstance(value, Doubt) and not one.holds(value):
            return False
    return True


def _turns(rules: Iterable[Rule]) -> list[int]:
    turns = {1}
    for rule in rules:
        for span in rule.ports or ():
            turns |= {span.first, span.last + 1}
    return sorted(turn for turn in turns if 1 <= turn <= LAST_PORT)


def _ranges(span: PortSpan | None, turns: Sequence[int]) -> list[PortRange]:
    """Ports of which each range is alike in all rules."""
    first, last = (span.first, span.last) if span is not None and span.first else (1, LAST_PORT)
    protocols = TRANSPORT_PROTOCOLS if span is None else tuple(span.protocols)
    starts = [first, *(turn for turn in turns if first < turn <= last)]
    ends = [*(start - 1 for start in starts[1:]), last]
    return [
        PortRange(protocol, *ports)
        for protocol in protocols
        if protocol in TRANSPORT_PROTOCOLS
        for ports in zip(starts, ends, strict=True)
    ]


def _joined(ranges: Iterable[PortRange]) -> tuple[PortRange, ...]:
    """Joins ranges that follow each other."""
    found: list[PortRange] = []
    order = {protocol: number for number, protocol in enumerate(TRANSPORT_PROTOCOLS)}
    for one in sorted(ranges, key=lambda each: (order[each.protocol], each.name, each.first)):
        last = found[-1] if found else None
        follows = (
            last is not None
            and (last.protocol, last.name) == (one.protocol, one.name)
            and last.last + 1 == one.first
            and not one.name
        )
        if follows and last is not None:
            found[-1] = PortRange(one.protocol, last.first, one.last)
        else:
            found.append(one)
    return tuple(found)


def _is_every_port(ranges: Iterable[PortRange]) -> bool:
    joined = _joined(ranges)
    whole = {one.protocol for one in joined if (one.first, one.last) == (1, LAST_PORT)}
    return whole == set(TRANSPORT_PROTOCOLS)


def ports_of(atoms: Iterable[Atom]) -> tuple[PortRange, ...]:
    """The ports that atoms are about; empty: all of all protocols."""
    ranges: dict[PortRange, None] = {}
    for atom in atoms:
        if atom.span is not None and atom.span.name:
            ranges |= {PortRange(each, 0, 0, atom.span.name): None for each in atom.span.protocols}
        else:
            ranges |= dict.fromkeys(_ranges(atom.span, ()))
    return () if _is_every_port(ranges) else _joined(ranges)


def joined(differences: Iterable[Difference]) -> list[Difference]:
    """Joins those that are alike but for their ports."""
    found: dict[tuple[object, ...], Difference] = {}
    for each in differences:
        key = (each.gain, each.direction, each.subject, each.peer, each.filtered)
        known = found.get(key)
        if known is None:
            found[key] = each
            continue
        ports = () if not (known.ports and each.ports) else _joined({*known.ports, *each.ports})
        better = each if each.certain and not known.certain else known
        found[key] = dataclasses.replace(
            known,
            ports=ports,
            certain=known.certain or each.certain,
            policies=tuple(dict.fromkeys((*known.policies, *each.policies))),
            example=better.example,
        )
    return list(found.values())
