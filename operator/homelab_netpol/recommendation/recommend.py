"""Finds the smallest labels that let pass what is needed, and proves them. Pure.

A connection has two halves: the sender's policies and the receiver's. Of each need, the Namespace
whose words are to cover it is chosen first; then each Namespace is a search of its own, as what one
says never closes what another one needs. In the end the whole cluster is asked with all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.ends import Member
from homelab_netpol.access.ends_find import EndFinder
from homelab_netpol.access.explain_causes import cause
from homelab_netpol.access.fixes import NOTHING, Change, Setting, Trials
from homelab_netpol.cilium.evaluation import Outcome, Pod
from homelab_netpol.policy.rendering import RenderError
from homelab_netpol.recommendation.candidates import Candidates
from homelab_netpol.recommendation.frame import Asked, Coverage, as_today, framed
from homelab_netpol.recommendation.narrowing import gateway_ports
from homelab_netpol.recommendation.needs import Need, by_namespace
from homelab_netpol.recommendation.own_profiles import profile_for
from homelab_netpol.recommendation.plan import Labels, Plan, Unmet, joined_change
from homelab_netpol.recommendation.probes import Probes
from homelab_netpol.recommendation.resources import NewResources
from homelab_netpol.recommendation.search import Choice, Word, choose

Progress = Callable[[int, int], None]


def recommend(
    model: ClusterModel,
    needs: Sequence[Need],
    scope: Collection[str],
    *,
    without_policies: bool = False,
    narrow: bool = False,
    progress: Progress = lambda done, of: None,
) -> Plan:
    """Recommends labels.

    Args:
        model: the cluster.
        needs: what must be possible.
        scope: the Namespaces that get labels anew; others only get grants that these need.
        without_policies: policies by hand of the scope's Namespaces go.
        narrow: what opens the least comes before what is the smallest.
        progress: is told how many Namespaces are done, and of how many.

    Raises:
        RenderError: a template cannot be rendered.
    """
    frame = framed(model, scope, without_policies=without_policies)
    search = _Recommender(frame, frozenset(scope), needs, narrow)
    labels = search.labels(progress)
    after, unmet = search.proven(labels)
    wider = {name: replace(each, narrowing=()) for name, each in labels.items()}
    if unmet and wider != labels:
        # What only narrows must cost nothing.
        bad = {name for each in unmet for name in each.need.namespaces}
        wider = {name: wider[name] if name in bad else each for name, each in labels.items()}
        after_wider, rest = search.proven(wider)
        if len(rest) < len(unmet):
            labels, after, unmet = wider, after_wider, rest
    more = search.with_own_profiles(labels, unmet, after)
    if more:
        labels |= more
        after, unmet = search.proven(labels)
    return Plan(as_today(model), frame, after, needs, search.free, labels, unmet)


@dataclass
class _Recommender:
    frame: ClusterModel
    scope: frozenset[str]
    needs: Sequence[Need]
    narrow: bool
    free: frozenset[int] = field(init=False)
    _open: dict[int, int] = field(init=False, default_factory=dict)
    # Those that need a word; of each Namespace those at one of its ends, and which is where.
    _closed: list[Need] = field(init=False)
    _of: Mapping[str, list[Need]] = field(init=False)
    _places: dict[str, dict[int, int]] = field(init=False)
    _numbers: dict[int, int] = field(init=False)
    _resources: NewResources = field(init=False)
    _probes: Probes = field(init=False)

    def __post_init__(self) -> None:
        self._numbers = {id(need): number for number, need in enumerate(self.needs)}
        asked = Asked(self.frame, {name for need in self.needs for name in need.namespaces})
        for number, need in enumerate(self.needs):
            self._open[number] = asked.halves(need)
        self.free = frozenset(number for number, open_ in self._open.items() if open_ == 0b11)
        self._closed = [need for number, need in enumerate(self.needs) if number not in self.free]
        self._of = by_namespace(self._closed)
        self._places = {
            name: {id(need): place for place, need in enumerate(found)}
            for name, found in self._of.items()
        }
        self._resources = NewResources(self.frame)
        self._probes = Probes(self.frame, EndFinder(self.frame))

    def labels(self, progress: Progress) -> dict[str, Labels]:
        """The words of each Namespace that has any."""
        own = {name: self._own_words(name) for name in self._of if name in self.scope}
        owned: dict[str, list[Need]] = {}
        for need in self._closed:
            owned.setdefault(self._owner(need, own), []).append(need)
        names = sorted({*self.scope, *owned})
        found = {}
        for done, name in enumerate(names):
            progress(done, len(names))
            labels = self._searched(name, owned.get(name, []), own.get(name))
            if labels.change != NOTHING:
                found[name] = labels
        progress(len(names), len(names))
        return found

    def proven(self, labels: dict[str, Labels]) -> tuple[ClusterModel, list[Unmet]]:
        """The cluster with all of it, and what does not pass there."""
        after = Trials(self.frame).after(joined_change(labels.values()))
        asked = Asked(after, {name for need in self.needs for name in need.namespaces})
        return after, [each for need in self.needs for each in _unmet(asked, need)]

    def with_own_profiles(
        self, labels: dict[str, Labels], unmet: Sequence[Unmet], after: ClusterModel
    ) -> dict[str, Labels]:
        """Where nothing else helps, and they do: profiles of one's own, which add rules."""
        made = {}
        rest = by_namespace(each.need for each in unmet)
        for name, needs in rest.items():
            if name in self.scope and name in labels:
                found = profile_for(after, labels[name], needs)
                if found is not None:
                    made[name] = found
        if not made:
            return {}
        _, left = self.proven({**labels, **made})
        still = {id(each.need) for each in left}
        return {
            name: found
            for name, found in made.items()
            if any(id(need) not in still for need in rest[name])
        }

    def _own_words(self, name: str) -> _OwnWords:
        needs = self._of[name]
        candidates = Candidates(self.frame, name, needs)
        coverage = Coverage(self.frame, needs, self._probes.of(name, needs))
        return _OwnWords(
            coverage,
            list(_tried(coverage, candidates.profiles(narrow=self.narrow))),
            list(_tried(coverage, candidates.beside())),
        )

    def _owner(self, need: Need, own: dict[str, _OwnWords]) -> str:
        """The Namespace whose words are to cover a need."""
        source, target = _namespace(need.source), _namespace(need.target)
        if source is None or source not in self.frame.namespaces:
            return target or ""
        if target in own and target != source and self._open[self._numbers[id(need)]] & 1:
            place = self._places[target][id(need)]
            if any(word.covers >> 2 * place & 2 for word in own[target].all):
                return target
        return source

    def _searched(self, name: str, needs: list[Need], own: _OwnWords | None) -> Labels:
        if not needs and name in self.scope:
            return self._bare(name)
        # Of a Namespace that is not labelled, what others cover is no matter.
        all_needs = self._of.get(name, []) if own is not None else needs
        places = {id(need): number for number, need in enumerate(all_needs)}
        if own is None:
            coverage = Coverage(self.frame, all_needs, self._probes.of(name, all_needs))
            own = _OwnWords(coverage, [Word(NOTHING, *coverage.of(NOTHING))], [])
        candidates = Candidates(self.frame, name, all_needs)
        wanted = [own.coverage.all_bits[places[id(need)]] for need in needs if id(need) in places]
        outward = [need for need in needs if _namespace(need.source) == name]
        changes = [*candidates.grants(outward), *self._resources.changes(name, outward)]
        beside = [*own.beside, *_tried(own.coverage, changes)]
        choice = choose(own.bases, beside, wanted, narrow=self.narrow)
        return self._labels(name, choice, all_needs)

    def _bare(self, name: str) -> Labels:
        """For a Namespace that needs nothing: the narrowest profile."""
        change = next(Candidates(self.frame, name, ()).profiles(narrow=False))
        return Labels(name, change)

    def _labels(self, name: str, choice: Choice, needs: Sequence[Need]) -> Labels:
        change = NOTHING
        for word in choice.words:
            change += word.change
        narrowing: tuple[Setting, ...] = ()
        if name in self.scope:
            narrowing = gateway_ports(self.frame, name, change, needs)
        return Labels(name, change, narrowing, choice.is_smallest, name in self.scope)


@dataclass(frozen=True, slots=True)
class _OwnWords:
    """What may be said of a Namespace itself.

    Attributes:
        coverage: by which it was tried.
        bases: the profiles.
        beside: what else lets others in.
    """

    coverage: Coverage
    bases: list[Word]
    beside: list[Word]

    @property
    def all(self) -> list[Word]:
        return [*self.bases, *self.beside]


def _tried(coverage: Coverage, changes: Iterable[Change]) -> Iterator[Word]:
    for change in changes:
        try:
            covers, opens = coverage.of(change)
        except RenderError:
            continue  # a template of the user's own that does not take it
        yield Word(change, covers, opens)


def _unmet(asked: Asked, need: Need) -> list[Unmet]:
    """What is said of a need that does not pass; nothing, if it does."""
    source, target = asked.moved(need.source), asked.moved(need.target)
    for case in asked.judge.cases(source, target, need.ports):
        for half in case.halves:
            if half.outcome is not Outcome.ALLOWED:
                return [Unmet(need, half.own.words, cause(asked.model, half, case.ports))]
    return []


def _namespace(member: Member) -> str | None:
    endpoint = member.endpoint
    return endpoint.namespace if isinstance(endpoint, Pod) else None
