"""Which Namespaces get labels, and what their policies leave open today. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.explain_judge import Judge
from homelab_netpol.cilium.evaluation import Direction
from homelab_netpol.recommendation.from_policies import policies_by_hand

_MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class Scope:
    """The Namespaces that get labels.

    Attributes:
        names: which.
        empty: left out, as they have no pods.
        without_policies: left out, as no policy says what they need.
        hatched: those of which the escape hatch is open.
        with_policies: those whose policies by hand stay, and count.
        quiet: left out, as no flow of theirs was seen.
    """

    names: tuple[str, ...]
    empty: tuple[str, ...] = ()
    without_policies: tuple[str, ...] = ()
    hatched: tuple[str, ...] = ()
    with_policies: tuple[str, ...] = ()
    quiet: tuple[str, ...] = ()

    def only(self, seen: Collection[str]) -> Scope:
        """Without those of which nothing was seen: labels might cut them off."""
        return replace(
            self,
            names=tuple(each for each in self.names if each in seen),
            quiet=tuple(each for each in self.names if each not in seen),
        )

    def notes(self) -> list[str]:
        """What a reader must know."""
        said = (
            (self.empty, "no pods: no labels are recommended"),
            (self.quiet, "no flow was seen at either end: no labels are recommended"),
            (
                self.without_policies,
                "open today, without a policy of their own that says what they need: recommend from"
                " flows (hubble observe -o json)",
            ),
            (
                self.with_policies,
                "policies by hand stay, and what they let pass needs no label"
                " (--without-policies: as if they were gone)",
            ),
            (
                self.hatched,
                "the escape hatch is open: what is recommended holds once its label is removed",
            ),
        )
        return [f"{_some(names)}: {words}" for names, words in said if names]


def scope_of(
    model: ClusterModel, namespace: str | None, *, from_policies: bool, without_policies: bool
) -> Scope:
    """The Namespaces that get labels.

    Args:
        model: the cluster.
        namespace: the only one; None: all that run apps.
        from_policies: policies by hand say what is needed.
        without_policies: they go.
    """
    intents = model.desired.intents
    hatched = tuple(sorted(name for name, each in intents.items() if each.hatch_open))
    apps = sorted(name for name, each in intents.items() if not each.platform)
    wanted = apps if namespace is None else [namespace]
    policies = policies_by_hand(model, wanted)
    empty = tuple(each for each in wanted if namespace is None and not model.workloads.get(each))
    rest = [each for each in wanted if each not in empty]
    unsaid = namespace is None and from_policies
    without = tuple(each for each in rest if unsaid and not policies[each])
    names = tuple(each for each in rest if each not in without)
    return Scope(
        names,
        empty,
        without,
        tuple(each for each in hatched if each in names),
        tuple(each for each in names if policies[each] and not without_policies),
    )


def open_ways(model: ClusterModel, names: Collection[str]) -> list[str]:
    """Of which Namespaces policies by hand leave a direction open, in sentences.

    What goes that way today is not known from policies, and would be dropped with labels.
    """
    judge = Judge(model)
    found = {each: [name for name in names if _is_open(judge, name, each)] for each in Direction}
    return [
        f"{_some(tuple(some))}: no policy closes {direction.value} of all its pods today, so what"
        " goes that way is not known from policies and may be dropped: look at flows as well"
        for direction, some in found.items()
        if some
    ]


def _is_open(judge: Judge, namespace: str, direction: Direction) -> bool:
    judge.consider([namespace])
    return any(
        not any(
            one.rule.default_deny and one.certainty is True and not judge.model.is_own(one.ref)
            for one in judge.rules_of(pod, direction)
        )
        for pod in judge.model.pods(namespace)
    )


def _some(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
