"""The nearest change that lets something pass, proven by asking again with it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.ends import End, EndError, Member, Ports
from homelab_netpol.access.ends_find import EndFinder
from homelab_netpol.access.explain_judge import Judge, Reply, Ruling
from homelab_netpol.access.fixes import NOTHING, Change, Setting, Trials, moved, moved_member
from homelab_netpol.access.fixes_effects import Effect, Fix, KnownWay, OpenWays, effects
from homelab_netpol.access.fixes_labels import label_changes, pairs
from homelab_netpol.access.fixes_objects import profile_changes, resource_changes, rule_changes
from homelab_netpol.access.reach import (
    Peers,
    any_other_namespace,
    own_members,
    usual_peers,
    ways,
)
from homelab_netpol.cilium.evaluation import Direction, Network, Outcome, Pod, PolicyRef
from homelab_netpol.policy.desired import DesiredState
from homelab_netpol.policy.rendering import RenderError

# Of two ends that are both closed, so many changes for each are tried together.
_MOST_OF_AN_END = 12
# Of each end, as many parts are enough to see what a change may do.
_MOST_PARTS = 12


@dataclass(frozen=True, slots=True)
class Fixes:
    """What may be done.

    Attributes:
        best: the nearest change; None: no label, annotation or resource was found that helps.
        narrower: another one that opens less, where the nearest opens more than was asked.
        written: nothing needs to change: what the operator would write lets it pass, and what
            stands is something else.
        hatch: the Namespaces whose escape hatch would let it pass; none: it would not help, or it
            was not needed to look.
    """

    best: Fix | None = None
    narrower: Fix | None = None
    written: bool = True
    hatch: tuple[str, ...] = ()


NO_FIXES = Fixes()
_Maker = Callable[[Ruling, DesiredState], Iterator[Change]]


def find_fixes(model: ClusterModel, finder: EndFinder, ruling: Ruling) -> Fixes:
    """Looks for the nearest change; every one that is returned was tried on all that is given."""
    if ruling.reply not in (Reply.NO, Reply.IN_PART):
        return NO_FIXES
    search = _Search(model, finder, ruling)
    if model.is_written and search.proven(NOTHING):
        return Fixes(written=False)
    if search.base != NOTHING and search.proven(search.base):
        return Fixes(Fix(search.base))
    labels = search.nearest(search.by_labels())
    if labels is None:
        best = search.nearest(search.by_objects(resource_changes, profile_changes, rule_changes))
        return Fixes(best, hatch=search.hatch() if best is None else ())
    if not labels.opens and not labels.closes:
        return Fixes(labels)
    narrower = search.nearest(search.by_objects(resource_changes))
    if narrower is None or narrower.cost[:2] >= labels.cost[:2]:
        return Fixes(labels)
    if _is_private(ruling.target):
        return Fixes(narrower)  # nothing at home is a reason to open the internet
    return Fixes(labels, narrower)


@dataclass
class _Search:
    model: ClusterModel
    finder: EndFinder
    ruling: Ruling
    _few: Ruling = field(init=False)
    base: Change = field(init=False)
    _peers: Peers = field(init=False)
    _whole: Peers = field(init=False)
    _trials: Trials = field(init=False)
    _before: dict[str, OpenWays] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._few = _of_few(self.ruling)
        # Against deny rules no other change helps; with them gone, something else may be missing.
        self.base = Change(undenied=_denying(self.ruling, self.model))
        self._peers = {
            direction: [*ends, any_other_namespace()]
            for direction, ends in usual_peers(self.finder).items()
        }
        # A label is a whole Namespace's, and so opens the way for pods that were not asked about.
        self._whole = {
            Direction.EGRESS: self._namespaces_of(self.ruling.target),
            Direction.INGRESS: self._namespaces_of(self.ruling.source),
        }
        ends = [self.ruling.source, self.ruling.target, *chain(*self._peers.values())]
        self._trials = Trials(self.model, {name for end in ends for name in end.namespaces})

    def by_labels(self) -> Iterator[Change]:
        """The changes to labels with which it passes; of single ones, else of pairs."""
        changes = [self.base + each for each in label_changes(self.ruling, self.model.desired)]
        halves: dict[Direction, list[Change]] = {direction: [] for direction in Direction}
        found = False
        for change in changes:
            ruling = _ruled(self._few, change, self._trials)
            if ruling is None:
                continue
            if ruling.reply is Reply.YES:
                found = True
                yield change
            for direction, of_it in halves.items():
                if _passes(ruling, direction) and not _passes(self._few, direction):
                    of_it.append(change)
        if not found:
            both = [halves[each][:_MOST_OF_AN_END] for each in Direction]
            yield from filter(self._passes, pairs(*both))

    def by_objects(self, *makers: _Maker) -> Iterator[Change]:
        """Likewise custom resources, and policies of one's own: the first kind that helps."""
        for make in makers:
            changes = (self.base + each for each in make(self.ruling, self.model.desired))
            made = [each for each in changes if self._passes(each)]
            yield from made
            if made:
                return

    def nearest(self, changes: Iterable[Change]) -> Fix | None:
        """The change that closes and opens the least, and is proven."""
        fixes = sorted(map(self._fix, changes), key=lambda each: each.cost)
        return next((each for each in fixes if self.proven(each.change)), None)

    def proven(self, change: Change) -> bool:
        """Whether it passes with a change, in all that is given."""
        ruling = _ruled(self.ruling, change, Trials(self.model))
        return ruling is not None and ruling.reply is Reply.YES

    def hatch(self) -> tuple[str, ...]:
        """The Namespaces whose hatch lets it pass."""
        key = self.model.desired.catalogue.vocabulary.enforcement_key
        closed = {
            half.own.pod.namespace
            for case in self.ruling.cases
            for half in case.halves
            if half.outcome is not Outcome.ALLOWED and half.own.pod is not None
        }
        change = Change(tuple(Setting(each, key, "disabled") for each in sorted(closed)))
        return tuple(sorted(closed)) if closed and self.proven(change) else ()

    def _passes(self, change: Change) -> bool:
        ruling = _ruled(self._few, change, self._trials)
        return ruling is not None and ruling.reply is Reply.YES

    def _fix(self, change: Change) -> Fix:
        names = {each.namespace for each in change.settings}
        names |= {each["metadata"].get("namespace", "") for each in change.objects}
        opens: list[Effect] = []
        closes: list[Effect] = []
        for name in sorted(names & set(self.model.namespaces)):
            if name not in self._before:
                self._before[name] = self._ways(name, NOTHING)
            before, after = self._before[name], self._ways(name, change)
            opens += effects(name, after, before, self._asked)
            closes += effects(name, before, after, lambda _: ())
        return Fix(change, tuple(opens), tuple(closes))

    def _ways(self, namespace: str, change: Change) -> OpenWays:
        """The open ways of a Namespace's pods, after a change."""
        try:
            members = own_members(self.model, self.finder, namespace)
        except EndError:
            return {}
        model = self._trials.after(change)
        # The same pods before the change and after it.
        own = [moved_member(each, model) for each in self._unlike(namespace, members)]
        itself = End(namespace, tuple(own))
        others = {
            direction: [end for end in ends if end.words != namespace]
            for direction, ends in self._whole.items()
        }
        peers = {
            direction: [moved(end, model) for end in (*ends, *others[direction])]
            for direction, ends in self._peers.items()
        }
        peers[Direction.EGRESS].append(itself)
        return {
            KnownWay(
                way.direction, way.peer.words, (way.own.words, way.part.words), way.own, way.part
            ): way.ports()
            for way in ways(Judge(model), own, peers)
        }

    def _namespaces_of(self, end: End) -> list[End]:
        """All pods of the Namespaces that an end is in."""
        names = [each for each in end.namespaces if each in self.model.namespaces]
        return [replace(self.finder.find(f"namespace/{each}"), beside=True) for each in names]

    def _unlike(self, namespace: str, members: Sequence[Member]) -> Sequence[Member]:
        """Of a Namespace's pods those that the policies tell apart."""
        judge = Judge(self.model)
        ends = (end for of_it in self._peers.values() for end in of_it)
        judge.consider({namespace, *(name for end in ends for name in end.namespaces)})
        # Those that were not asked about are told apart as well: what opens for them is said.
        ends_asked = (self.ruling.source, self.ruling.target)
        asked = [each for each in members if any(_holds(end, each) for end in ends_asked)]
        rest = [each for each in members if each not in asked]
        return [*judge.unlike(asked), *judge.unlike(rest)]

    def _asked(self, way: KnownWay) -> tuple[Ports, ...]:
        """The ports of a way that were asked about."""
        out = way.direction is Direction.EGRESS
        source, target = (way.own, way.part) if out else (way.part, way.own)
        is_asked = _holds(self.ruling.source, source) and _holds(self.ruling.target, target)
        return self.ruling.asked if is_asked else ()


def _ruled(ruling: Ruling, change: Change, trials: Trials) -> Ruling | None:
    """The same question after a change; None: it cannot be asked."""
    try:
        model = trials.after(change)
        source, target = moved(ruling.source, model), moved(ruling.target, model)
        return Judge(model).rule(source, target, ruling.asked)
    except (RenderError, EndError):
        return None


def _of_few(ruling: Ruling) -> Ruling:
    """The same of some pairs that do not pass: each change is tried on them, and proven on all."""
    failing = [case for case in ruling.cases if case.outcome is not Outcome.ALLOWED]
    sources = {id(case.source): case.source for case in failing}
    targets = {id(case.target): case.target for case in failing}
    source = replace(ruling.source, members=tuple(sources.values())[:_MOST_PARTS])
    target = replace(ruling.target, members=tuple(targets.values())[:_MOST_PARTS])
    kept = {id(each) for end in (source, target) for each in end.members}
    cases = [each for each in ruling.cases if {id(each.source), id(each.target)} <= kept]
    return Ruling(source, target, ruling.asked, tuple(cases))


def _denying(ruling: Ruling, model: ClusterModel) -> tuple[PolicyRef, ...]:
    """The policies of others whose deny rules keep it from passing."""
    refs = {
        ref
        for case in ruling.cases
        for half in case.halves
        if half.verdict.by_deny_rule
        for ref in half.verdict.policies
        if not model.is_own(ref)
    }
    return tuple(sorted(refs))


def _is_private(end: End) -> bool:
    """It is addresses of a home or office network."""
    networks = [each.endpoint for each in end.members if isinstance(each.endpoint, Network)]
    return len(networks) == len(end.members) and all(each.network.is_private for each in networks)


def _holds(end: End, member: Member) -> bool:
    """Whether an end has a part that is the same, whatever the Namespace's labels are."""
    return any(_bare(each) == _bare(member) for each in end.members)


def _bare(member: Member) -> object:
    endpoint = member.endpoint
    return replace(endpoint, namespace_labels=None) if isinstance(endpoint, Pod) else endpoint


def _passes(ruling: Ruling, direction: Direction) -> bool:
    """Whether all of one end's policies let it pass."""
    halves = (half for case in ruling.cases for half in case.halves)
    return all(half.outcome is Outcome.ALLOWED for half in halves if half.direction is direction)
