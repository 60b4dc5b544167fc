"""What was found about drops of one kind."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum

from homelab_netpol.access.explain_answer import Explanation
from homelab_netpol.access.fixes import Change
from homelab_netpol.diagnosis.groups import Group


class Kind(Enum):
    """What a drop is; the value is the word for it."""

    #: A label, an annotation or a resource is missing.
    MISSING = "missing"
    #: The policies that are given let it pass, or the operator would write one that does.
    UNEXPECTED = "should not happen"
    #: A deny rule of others, over which no label wins.
    DENIED = "denied"
    #: The drop is what the labels mean.
    RIGHT = "right"
    #: Cilium's own reasons.
    NO_POLICY = "no policy"
    #: Nothing certain can be said.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Why some flows are dropped.

    Attributes:
        kind: what it is.
        groups: the flows, those that are most first; at least one.
        cause: in half a sentence.
        advice: what to do, where no change is proven, or beside it.
        answer: what was asked; None: nothing could be.
        notes: what a reader must know beside it.
    """

    kind: Kind
    groups: tuple[Group, ...]
    cause: str
    advice: str = ""
    answer: Explanation | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def group(self) -> Group:
        """The most frequent."""
        return self.groups[0]

    @property
    def count(self) -> int:
        """How many flows."""
        return sum(each.count for each in self.groups)

    @property
    def last(self) -> datetime | None:
        """When the last was seen; None: not known."""
        moments = [each.last for each in self.groups if each.last is not None]
        return max(moments, default=None)

    @property
    def change(self) -> Change | None:
        """The nearest change that lets it pass, proven; None: none was found, or is needed."""
        best = self.answer.fixes.best if self.answer is not None else None
        return best.change if best is not None else None


def joined(found: Sequence[Diagnosis]) -> list[Diagnosis]:
    """Those with the same cause and the same change as one, the most frequent first."""
    unique: dict[object, Diagnosis] = {}
    for each in found:
        same = _sort(each)
        known = unique.get(same)
        unique[same] = (
            each
            if known is None
            else replace(
                known,
                groups=(*known.groups, *each.groups),
                notes=tuple(dict.fromkeys((*known.notes, *each.notes))),
            )
        )
    return sorted(unique.values(), key=lambda each: -each.count)


def _sort(diagnosis: Diagnosis) -> Hashable:
    key, change = diagnosis.group.key, diagnosis.change
    what = (diagnosis.kind, diagnosis.cause, diagnosis.advice, key.direction, key.verdict)
    if change is not None:
        return (*what, key.own.namespace, change.settings, str(change.objects))
    if key.reason.cause.is_policy:
        return (*what, key.own.namespace, key.peer, key.port_words)
    # Of Cilium's own reasons the ends are examples.
    return (*what, key.own.namespace)
