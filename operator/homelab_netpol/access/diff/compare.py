"""Which connections pass by one set of rules and not by another, for the pods of a Namespace. Pure.

Every verdict is `cilium/evaluation`'s. Where it is in doubt, a change says so: a gate must not let
through what only may be harmless.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from homelab_netpol.access.diff.answers import Answers, End, Passes, View, key_of
from homelab_netpol.access.diff.difference import Comparison, Difference, Example
from homelab_netpol.access.diff.points import Surroundings
from homelab_netpol.access.diff.ports import (
    PortRange,
    is_among,
    is_every_port,
    joined_ranges,
    ranges_of,
)
from homelab_netpol.access.diff.rules import Atom, atoms_of, is_of_namespace_labels
from homelab_netpol.cilium.evaluation import Direction, Endpoint, Network, PolicyRef
from homelab_netpol.cilium.evaluation.matchers import EVERY_PEER, EndpointSelector, Matcher, select
from homelab_netpol.cilium.evaluation.policy import Rule, Tier
from homelab_netpol.cilium.evaluation.turning_ports import turning_ports
from homelab_netpol.cilium.selectors import Operator, Requirement
from homelab_netpol.cilium.terms import NAMESPACE_KEY, SOURCE_K8S

# Seconds of work; far more than any Namespace of a real cluster needs.
_MOST_QUESTIONS = 400_000


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


@dataclass(slots=True)
class _Found:
    """What differs of one atom, for one sort of pods."""

    ports: dict[PortRange, None] = field(default_factory=dict)
    certain: bool = False
    filtered: bool = True
    example: Example | None = None
    ends: set[object] = field(default_factory=set)


class _Direction:
    def __init__(
        self, before: View, after: View, direction: Direction, moved: Sequence[str]
    ) -> None:
        self._sides = (Answers(before, direction), Answers(after, direction))
        self._moved = moved
        self._questions = 0
        rules = [each.rule for side in self._sides for each in side.said]
        known = {**before.labels, **after.labels}
        self._around = Surroundings(rules, known)
        # Where rules of several tiers meet, one that goes may open or close what the next one says.
        self._has_tiers = any(each.passes or each.tier is not Tier.NORMAL for each in rules)
        self._known_subjects: dict[Matcher, list[Matcher]] = {}
        self._ends: dict[Matcher | None, list[End]] = {}
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
            self._around.is_cut or self._questions > _MOST_QUESTIONS,
        )

    def _find_changed(self) -> tuple[list[Atom], list[Atom]]:
        """The atoms that only one side has."""
        before, after = (dict.fromkeys(each.rule for each in side.said) for side in self._sides)
        kept = [rule for rule in before if rule in after]
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
        if not any(found):
            return [], []
        in_kept = {atom for rule in kept for atom in atoms_of(rule)}
        return (
            [atom for atom in found[0] if atom not in found[1] and atom not in in_kept],
            [atom for atom in found[1] if atom not in found[0] and atom not in in_kept],
        )

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
                    if side.holds(by_label, name) and not other.holds(by_label, name):
                        rest = [one for one in peer.requirements if one not in by_label]
                        named = Requirement(SOURCE_K8S, NAMESPACE_KEY, Operator.IN, (name,))
                        moved = select([*rest, named], peer.pods_only)
                        yield dataclasses.replace(atom, peer=moved), {each.ref: None}

    def _differences(self, atom: Atom, came: bool) -> Iterator[Difference]:
        gains_first = came == (atom.peer is not None and not atom.deny)
        said: list[Difference] = []
        for subject in self._subjects(atom.subject):
            found: dict[tuple[bool, bool], _Found] = {}
            for example, ports in self._asked(atom, subject):
                gain = example.after > example.before or (
                    example.after == example.before and gains_first
                )
                if gain is not gains_first and not self._has_tiers:
                    continue  # another atom is the reason
                filtered = Passes.FILTERED in (example.before, example.after)
                one = found.setdefault((gain, filtered), _Found())
                one.ports[ports] = None
                one.ends.add(key_of(example.peer))
                certain = Passes.PERHAPS not in (example.before, example.after)
                if one.example is None or (certain and not one.certain):
                    one.example = example
                one.certain = one.certain or certain
            for (gain, filtered), one in found.items():
                # What is so for more pods is said of them already.
                wider = [
                    each.ports
                    for each in said
                    if (each.gain, each.filtered) == (gain, filtered)
                    and _holds_all_of(each.subject, subject)
                ]
                new = [each for each in one.ports if not is_among(each, wider)]
                if not new or one.example is None:
                    continue
                difference = Difference(
                    gain,
                    atom.direction,
                    subject,
                    atom.peer,
                    () if is_every_port(new) else joined_ranges(new),
                    one.certain,
                    filtered,
                    tuple(self._origins[came][atom]),
                    one.example,
                    self._is_part(atom, one),
                )
                said.append(difference)
                yield difference

    def _subjects(self, subject: Matcher) -> list[Matcher]:
        """An atom's pods, then those of them that other rules are about as well."""
        if subject not in self._known_subjects:
            found: dict[Matcher, None] = {subject: None}
            others = dict.fromkeys(each.rule.subject for side in self._sides for each in side.said)
            for other in others:
                if isinstance(subject, EndpointSelector) and isinstance(other, EndpointSelector):
                    found[select([*subject.requirements, *other.requirements])] = None
            self._known_subjects[subject] = list(found)
        return self._known_subjects[subject]

    def _peers(self, atom: Atom) -> list[End]:
        if atom.peer not in self._ends:
            found = list(self._around.ends(EVERY_PEER if atom.peer is None else atom.peer))
            self._ends[atom.peer] = self._meant(atom.peer, found)
        if atom.peer is None or not (atom.deny or self._has_tiers):
            return self._ends[atom.peer]
        # What it kept out may be what other rules let in; and of an earlier tier the other way.
        more = [
            end
            for side in self._sides
            for each in side.said
            for peer in each.rule.peers
            for end in self._around.ends(peer, atom.peer)
        ]
        known = {end.key: end for end in (*self._ends[atom.peer], *self._meant(atom.peer, more))}
        return list(known.values())

    def _is_part(self, atom: Atom, found: _Found) -> bool:
        """Of networks, only some addresses that rules single out come out differently."""
        lowest: dict[int, End] = {}
        for end in self._peers(atom):
            if not isinstance(end.endpoint, Network):
                return False
            lowest.setdefault(end.endpoint.network.version, end)
        return bool(lowest) and not any(end.key in found.ends for end in lowest.values())

    def _meant(self, peer: Matcher | None, ends: Iterable[Endpoint]) -> list[End]:
        """Of some ends those that are a peer, on one side at least, each once."""
        found = {
            key_of(end): end
            for end in ends
            if peer is None or any(peer.matches(s.seen(end)) is not False for s in self._sides)
        }
        return [End(key, end) for key, end in found.items()]

    def _asked(self, atom: Atom, subject: Matcher) -> Iterator[tuple[Example, PortRange]]:
        """Connections that come out differently, or that are in doubt on both sides."""
        before, after = self._sides
        ends = self._peers(atom)
        for pod in self._around.subject_labels(subject):
            if atom.peer is None and before.closes(pod) and after.closes(pod):
                continue  # it was, or is, not the only one that closes
            rules = [one.rule for side in self._sides for one in side.rules(pod)]
            ranges = ranges_of(atom.span, turning_ports(rules))
            for end in ends:
                self._questions += len(ranges)
                if self._questions > _MOST_QUESTIONS:
                    return
                for ports in ranges:
                    asked = (pod, end, ports.first, ports.protocol)
                    was, now = before.passes(*asked), after.passes(*asked)
                    if was is not now or was is Passes.PERHAPS:
                        said = ports
                        if atom.span is not None and atom.span.name:
                            said = PortRange(ports.protocol, 0, 0, atom.span.name)
                        yield (
                            Example(pod, end.endpoint, ports.first, ports.protocol, was, now),
                            said,
                        )


def _holds_all_of(wider: Matcher, subject: Matcher) -> bool:
    """Whether all pods that are one subject are another one as well, as their conditions show."""
    if not isinstance(wider, EndpointSelector) or not isinstance(subject, EndpointSelector):
        return wider == subject
    return set(wider.requirements) <= set(subject.requirements)
