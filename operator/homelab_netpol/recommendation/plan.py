"""What is recommended: labels for Namespaces, resources, and what they would not cover. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.fixes import NOTHING, Change, Setting
from homelab_netpol.recommendation.needs import Need


@dataclass(frozen=True, slots=True)
class Unmet:
    """A need that the words do not cover.

    Attributes:
        need: which.
        end: whose policies do not let it pass.
        cause: why, in half a sentence.
    """

    need: Need
    end: str
    cause: str


@dataclass(frozen=True, slots=True)
class Labels:
    """What is recommended for one Namespace.

    Attributes:
        namespace: its name.
        change: its labels and annotations, and the objects that they need.
        narrowing: annotations beside that open nothing, and close what was not needed.
        is_smallest: no smaller set of words covers as much; False: that is not proven.
        labelled: all of its labels of the vocabulary are these; else they come to what it has.
    """

    namespace: str
    change: Change = NOTHING
    narrowing: tuple[Setting, ...] = ()
    is_smallest: bool = True
    labelled: bool = True

    @property
    def settings(self) -> tuple[Setting, ...]:
        """All of its labels and annotations."""
        return (*self.change.settings, *self.narrowing)

    @property
    def size(self) -> int:
        """How many words: labels, annotations and objects; what only narrows does not count."""
        return len(self.change.settings) + len(self.change.objects)


@dataclass(frozen=True)
class Plan:
    """All of it, as it was proven.

    Attributes:
        today: the cluster as it is given.
        frame: the same with bare Namespaces: what every one with a profile has.
        after: the same with what is recommended.
        needs: what must be possible.
        free: the numbers of those that need no word: every Namespace may, or nothing denies it.
        labels: by Namespace.
        unmet: what would be dropped.
        notes: what to know beside, in sentences.
    """

    today: ClusterModel
    frame: ClusterModel
    after: ClusterModel
    needs: Sequence[Need]
    free: frozenset[int]
    labels: Mapping[str, Labels]
    unmet: Sequence[Unmet]
    notes: Sequence[str] = field(default=())

    @property
    def change(self) -> Change:
        """Everything that is to be written."""
        return joined_change(self.labels.values())

    @property
    def size(self) -> int:
        """How many words: each object once."""
        settings = sum(len(each.change.settings) for each in self.labels.values())
        return settings + len(self.change.objects)

    @property
    def needed(self) -> int:
        """How many flows were seen, or connections are allowed by rules."""
        return sum(need.count for need in self.needs)

    @property
    def dropped(self) -> int:
        """How many of them would be dropped."""
        return sum(each.need.count for each in self.unmet)


def joined_change(labels: Iterable[Labels]) -> Change:
    """All changes of several Namespaces, each object once."""
    settings: dict[Setting, None] = {}
    objects: dict[tuple[str, str], Mapping[str, Any]] = {}
    for each in labels:
        settings |= dict.fromkeys(each.settings)
        for one in each.change.objects:
            objects[one["kind"], one["metadata"]["name"]] = one
    return Change(tuple(settings), tuple(objects[key] for key in sorted(objects)))
