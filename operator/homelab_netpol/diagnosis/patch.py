"""The changes of several diagnoses as one, proven together. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.ends import EndError
from homelab_netpol.access.explain_judge import Judge, Reply
from homelab_netpol.access.fixes import NOTHING, Change, Setting, Trials, moved
from homelab_netpol.diagnosis.diagnosis import Diagnosis, Kind
from homelab_netpol.policy.rendering import RenderError


@dataclass(frozen=True, slots=True)
class Patch:
    """What to merge into the manifests in git.

    Attributes:
        change: all of it.
        covered: the diagnoses whose flows pass with it, all together.
        left_out: in words: what is to be done by hand, and what does not go together.
    """

    change: Change
    covered: tuple[Diagnosis, ...]
    left_out: tuple[str, ...]

    def documents(self) -> list[Mapping[str, Any]]:
        """As manifests: of a Namespace what is to be merged into it, resources whole."""
        namespaces: dict[str, dict[str, dict[str, str]]] = {}
        for each in self.change.settings:
            section = "annotations" if each.annotation else "labels"
            of_it = namespaces.setdefault(each.namespace, {}).setdefault(section, {})
            of_it[each.key] = each.value
        merged = [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, **sections}}
            for name, sections in namespaces.items()
        ]
        return [*merged, *self.change.objects]


def joint_patch(model: ClusterModel, found: Iterable[Diagnosis]) -> Patch:
    """Joins the changes, the most frequent drop's first; drops that are right are left out.

    Of two values for a label the one stays with which both pass.
    """
    trials = Trials(model)
    change, covered, left_out = NOTHING, list[Diagnosis](), list[str]()
    for each in found:
        wanted = each.change
        if wanted is None or each.kind is Kind.RIGHT:
            continue
        if wanted.undenied:
            names = ", ".join(map(str, wanted.undenied))
            left_out.append(f"by hand: narrow the deny rules of {names}")
            continue
        tried = (
            one for one in _together(change, wanted) if _all_pass(trials, one, [*covered, each])
        )
        both = next(tried, None)
        if both is None:
            left_out.append(
                f"left out, as it does not go together with the rest: {each.group.key.words}:"
                " apply this, and ask again"
            )
            continue
        change = both
        covered.append(each)
    return Patch(change, tuple(covered), tuple(dict.fromkeys(left_out)))


def _together(one: Change, other: Change) -> Iterator[Change]:
    """Ways to have both, where they give a label two values: the old, the new, or their list."""
    objects = [*one.objects, *(each for each in other.objects if each not in one.objects)]
    old = {(each.namespace, each.key): each for each in one.settings}
    new = {(each.namespace, each.key): each for each in other.settings}
    for first, second in ((new, old), (old, new)):
        yield Change(tuple({**first, **second}.values()), tuple(objects))
    listed = {key: _listed(old[key], new[key]) for key in old.keys() & new.keys()}
    yield Change(tuple({**old, **new, **listed}.values()), tuple(objects))


def _listed(one: Setting, other: Setting) -> Setting:
    """Both ports of two annotations."""
    if not one.annotation:
        return one
    parts = dict.fromkeys((*one.value.split(","), *other.value.split(",")))
    return replace(one, value=",".join(parts))


def _all_pass(trials: Trials, change: Change, found: Iterable[Diagnosis]) -> bool:
    try:
        model = trials.after(change)
        judge = Judge(model)
        for each in found:
            if each.answer is None:
                continue
            asked = each.answer.ruling
            ends = (moved(asked.source, model), moved(asked.target, model))
            if judge.rule(*ends, asked.asked).reply is not Reply.YES:
                return False
    except (RenderError, EndError):
        return False
    return True
