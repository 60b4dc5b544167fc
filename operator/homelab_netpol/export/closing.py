"""Where default deny is in force, and so where a rule may be said at all. Pure.

Of Cilium's policies, one may allow without denying the rest. Elsewhere every policy isolates the
pods that it selects. So a rule that only allows is said for those pods alone that another policy
isolates in that direction; for all others nothing needs to be said, as nothing is denied.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from homelab_netpol.cilium.evaluation.policy import Direction
from homelab_netpol.cilium.selectors import Requirement
from homelab_netpol.cilium.terms import SOURCE_K8S
from homelab_netpol.export.limits import Effect, Unsaids
from homelab_netpol.export.statements import Requirements, Statement

_ADDITIVE = (
    "rules that allow without denying the rest, for pods that no other policy isolates: nothing is"
    " denied there, so nothing is written; where policies of your own isolate them, allow it there"
)


def normal(requirements: Iterable[Requirement]) -> Requirements:
    """The same, without repetition, in one order."""
    made = {
        Requirement(SOURCE_K8S, one.key, one.operator, tuple(sorted(one.values)))
        for one in requirements
    }
    return tuple(sorted(made, key=lambda one: (one.key, one.operator, sorted(one.values))))


def subjects(
    statement: Statement, closed: Iterable[Requirements], unsaid: Unsaids
) -> list[Requirements]:
    """For which pods of a namespace a statement is said.

    Args:
        statement: it.
        closed: the pods of that namespace that are isolated in its direction.
        unsaid: where what is not said is noted.
    """
    if statement.closes:
        return [normal(statement.pods)]
    found = {normal((*statement.pods, *each)): None for each in closed}
    if () not in closed:
        unsaid.add(_ADDITIVE, Effect.NONE, statement.origin.key)
    return list(found)


class Closing:
    """The pods of one namespace that are isolated, by direction."""

    def __init__(self, about: Iterable[Statement]) -> None:
        found: defaultdict[Direction, dict[Requirements, None]] = defaultdict(dict)
        for each in about:
            if each.closes:
                found[each.direction][normal(each.pods)] = None
        self._found: Mapping[Direction, tuple[Requirements, ...]] = {
            # Where all pods are isolated, no selection of them adds anything.
            direction: ((),) if () in all_of else tuple(all_of)
            for direction, all_of in found.items()
        }

    def of(self, direction: Direction) -> tuple[Requirements, ...]:
        """Selections of pods, of which an empty one means all."""
        return self._found.get(direction, ())
