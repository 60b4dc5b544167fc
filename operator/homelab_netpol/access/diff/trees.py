"""Two trees, Namespace by Namespace: which of them can differ, and what of it is said. Pure.

Only those are judged of which a policy, a label or a clusterwide policy differs; and Namespaces of
which the same is said are judged once.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Iterator

from homelab_netpol.access.diff.answers import View
from homelab_netpol.access.diff.asked import asked_words
from homelab_netpol.access.diff.compare import compare
from homelab_netpol.access.diff.difference import Comparison
from homelab_netpol.access.diff.lines import Lines
from homelab_netpol.access.diff.result import Fate, Line, NamespaceDiff, ObjectDiff, TreeDiff
from homelab_netpol.access.diff.rules import (
    OWN,
    is_of_name,
    is_of_namespace_labels,
    may_hold,
    said_of,
)
from homelab_netpol.access.diff.side import Object, Side
from homelab_netpol.access.diff.unseen import (
    differing,
    is_for_nodes,
    looks_at_namespace_labels,
    names_group,
)
from homelab_netpol.cilium.evaluation import Pod, PolicyRef
from homelab_netpol.cilium.evaluation.matchers import EndpointSelector, Matcher, Unclear
from homelab_netpol.cilium.selectors import Requirement
from homelab_netpol.manifests import kinds


def compare_trees(before: Side, after: Side, only: str | None = None) -> TreeDiff:
    """Compares two trees.

    A Namespace that only one of them has counts in the other as one without labels.

    Args:
        before: one tree.
        after: the other.
        only: of this Namespace alone.
    """
    return _Comparison(before, after).result(only)


class _Comparison:
    def __init__(self, before: Side, after: Side) -> None:
        self._sides = (before, after)
        self._lines = Lines(before, after)
        self._changed_in: dict[str, list[PolicyRef]] = {}
        for ref in {**before.policies, **after.policies}:
            if _body(before.policies.get(ref)) != _body(after.policies.get(ref)):
                self._changed_in.setdefault(ref.namespace, []).append(ref)
        names = {*before.namespaces, *after.namespaces, *self._changed_in}
        self._names = sorted(names - {""})
        self._relabelled = dict.fromkeys(
            name for name in self._names if before.labels(name) != after.labels(name)
        )
        self._moved, self._affected = self._find_moved()
        self._known: dict[object, Comparison] = {}

    def result(self, only: str | None) -> TreeDiff:
        """All of it."""
        names = self._names if only is None else [name for name in self._names if name == only]
        objects = [each for each in self._objects() if only in (None, each.namespace)]
        gaps = dict.fromkeys(gap for side in self._sides for gap in side.manifests.gaps)
        return TreeDiff(
            [each for each in map(self._of, names) if each is not None],
            objects,
            tuple(self._problems()),
            tuple(self._unjudged()),
            tuple(gaps),
        )

    def _of(self, name: str) -> NamespaceDiff | None:
        was, now = (side.intents.get(name) for side in self._sides)
        known = {each.message for each in was.problems} if was is not None else set()
        problems = [each.message for each in (now.problems if now is not None else ())]
        unjudged = [f"{kind}, {direction}: changed" for kind, direction in self._unseen(name)]
        unjudged += self._of_istio_alone(name)
        comparison = Comparison()
        lines: tuple[Line, ...] = ()
        beside: tuple[str, ...] = ()
        if self._can_differ(name):
            views = [self._view(side, name) for side in self._sides]
            comparison = self._compared(name, views)
            lines = self._lines.lines(name, comparison, views[1])
            beside = self._lines.beside(name, comparison, views)
        if comparison.is_cut:
            unjudged.append("its policies name more combinations of labels than are compared")
        found = NamespaceDiff(
            name,
            self._fate(name),
            asked_words(was, now),
            lines,
            beside,
            tuple(each for each in problems if each not in known),
            tuple(unjudged),
        )
        return found if found.says_something else None

    def _fate(self, name: str) -> Fate:
        """What becomes of it, where a tree has its manifest; others may only name it."""
        before, after = self._sides
        if name in after.given and name not in before.namespaces:
            return Fate.CREATED
        is_gone = name in before.given and name not in after.namespaces
        return Fate.DELETED if is_gone else Fate.CHANGED

    # Which can differ

    def _can_differ(self, name: str) -> bool:
        if name in self._changed_in or name in self._relabelled or name in self._affected:
            return True
        clusterwide = self._changed_in.get("")
        if clusterwide is None:
            return False
        before, after = (
            {each.rule for each in said_of(side.read(clusterwide), name, side.labels(name))}
            for side in self._sides
        )
        return before != after

    def _find_moved(self) -> tuple[list[str], set[str]]:
        """The Namespaces whose labels move them into or out of some rule, and those with it."""
        moved: dict[str, None] = {}
        affected: set[str] = set()
        for side in self._sides if self._relabelled else ():
            refs = [ref for ref, data in side.policies.items() if looks_at_namespace_labels(data)]
            for policy in side.read(refs):
                peers = (peer for rule in policy.rules for peer in rule.peers)
                names = dict.fromkeys(name for peer in peers for name in self._moved_by(peer))
                if names:
                    moved |= names
                    own = policy.ref.namespace
                    affected |= {own} if own else set(self._names)
        return list(moved), affected

    def _moved_by(self, peer: Matcher) -> Iterator[str]:
        if not isinstance(peer, EndpointSelector):
            return
        of_place = [one for one in peer.requirements if one.is_of_namespace]
        if not any(map(is_of_namespace_labels, of_place)):
            return
        for name in self._relabelled:
            if not all(one.holds(name) for one in of_place if is_of_name(one)):
                continue
            met = {may_hold(of_place, Pod(name, side.labels(name))) for side in self._sides}
            if len(met) > 1:
                yield name

    # What differs

    def _compared(self, name: str, views: list[View]) -> Comparison:
        moved = [OWN if each == name else each for each in self._moved]
        key: list[object] = [frozenset(view.rules) for view in views]
        if any(map(_looks_at_labels, views)):
            key += [frozenset(side.labels(name).items()) for side in self._sides]
            key.append(OWN in moved)
        known = tuple(key)
        if known not in self._known:
            self._known[known] = compare(views[0], views[1], moved)
        return self._known[known]

    def _view(self, side: Side, name: str) -> View:
        refs = (*side.refs.get(name, ()), *side.refs.get("", ()))
        rules = said_of(side.read(refs), name, side.labels(name))
        return View(rules, ChainMap({OWN: side.labels(name)}, side.namespaces))

    def _unseen(self, name: str) -> list[tuple[str, str]]:
        refs = self._changed_in.get(name, ())
        before, after = (
            [side.policies[ref] for ref in refs if ref in side.policies] for side in self._sides
        )
        return differing(before, after)

    def _of_istio_alone(self, name: str) -> Iterator[str]:
        """Istio's policies that change where none of Cilium's does, of which lines are said."""
        before, after = (side.istio for side in self._sides)
        for ref in {**before, **after} if name not in self._changed_in else ():
            if ref.namespace == name and _body(before.get(ref)) != _body(after.get(ref)):
                fate = "comes" if ref not in before else "changes" if ref in after else "goes"
                yield f"{ref.kind} {ref.name}, which Istio enforces, {fate}"

    def _unjudged(self) -> Iterator[str]:
        """What is not judged and no Namespace's: networks by name, nodes, clusterwide requests."""
        before, after = (
            {each.name: each.data.get("spec") for each in side.manifests.of(kinds.CIDR_GROUP)}
            for side in self._sides
        )
        users = [str(ref) for ref, data in self._sides[1].policies.items() if names_group(data)]
        for name in sorted({*before, *after}):
            if users and before.get(name) != after.get(name):
                yield (
                    f"CiliumCIDRGroup {name} changes; policies that look at groups:"
                    f" {', '.join(users)}"
                )
        for ref in self._changed_in.get("", ()):
            policies = [side.policies[ref] for side in self._sides if ref in side.policies]
            if any(map(is_for_nodes, policies)):
                yield f"{ref} is for nodes (nodeSelector), and changes"
        yield from self._unread_by_label()
        for kind, direction in self._unseen(""):
            yield f"clusterwide {kind}, {direction}: changed"

    def _unread_by_label(self) -> Iterator[str]:
        """Policies that cannot be read, and may look at labels of Namespaces that change."""
        before, after = self._sides
        keys = {
            key
            for name in self._relabelled
            for key, _ in before.labels(name).items() ^ after.labels(name).items()
        }
        for ref in {**before.policies, **after.policies} if keys else ():
            for side in self._sides:
                data = side.policies.get(ref)
                if data is None or not looks_at_namespace_labels(data, keys):
                    continue
                [policy] = side.read([ref])
                if any(isinstance(rule.subject, Unclear) for rule in policy.rules):
                    yield f"{ref} cannot be read, and looks at labels of Namespaces that change"
                    break

    def _problems(self) -> Iterator[str]:
        """Custom resources, and shared resources of the settings, that cannot be used any more."""
        was, now = (side.desired.catalogue for side in self._sides)
        for (kind, name), problem in now.unusable.items():
            if was.unusable.get((kind, name)) != problem:
                yield f"{kind.value} {name}: {problem.message}"
        for name, problem in now.unusable_settings.items():
            if was.unusable_settings.get(name) != problem:
                yield problem.message

    def _objects(self) -> Iterator[ObjectDiff]:
        before, after = self._sides
        for old, new in ((before.policies, after.policies), (before.istio, after.istio)):
            for ref in sorted({**old, **new}):
                was, now = old.get(ref), new.get(ref)
                if _body(was) == _body(now):
                    continue
                fate = Fate.CHANGED if was is not None else Fate.CREATED
                fate = fate if now is not None else Fate.DELETED
                yield ObjectDiff(str(ref), ref.namespace, fate, _shown(was), _shown(now))


def _body(policy: Object | None) -> object:
    """What of a policy its meaning depends on."""
    if policy is None:
        return None
    return policy.get("spec"), policy.get("specs"), policy.get("status")


def _shown(policy: Object | None) -> Object | None:
    """A policy as a reader needs it: without what the API server adds."""
    if policy is None:
        return None
    metadata = policy["metadata"]
    kept = {key: metadata[key] for key in ("name", "namespace") if metadata.get(key)}
    body = {key: policy[key] for key in ("spec", "specs") if policy.get(key) is not None}
    head = {"apiVersion": policy.get("apiVersion"), "kind": policy["kind"], "metadata": kept}
    return {**head, **body}


def _looks_at_labels(view: View) -> bool:
    return any(map(is_of_namespace_labels, _requirements(view)))


def _requirements(view: View) -> Iterable[Requirement]:
    for each in view.rules:
        for peer in each.rule.peers:
            if isinstance(peer, EndpointSelector):
                yield from peer.requirements
