"""What Namespaces said when, and how far back a writer may have looked."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tests.chaos.history import NAMESPACES
from tests.chaos.ledger import Entry
from tests.cluster.kube import Manifest

_NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Blindness:
    """What the operator can have been blind to when it wrote.

    Attributes:
        window: seconds that a change may take to become known, be thought about and be answered
            with a write, on a slow machine with nothing wrong. It bounds blindness, not speed: what
            is written later must not be based on what was true before.
        spells: from when until when a fault kept news from the operator, since the epoch.
    """

    window: float = 3.0
    spells: tuple[tuple[float, float], ...] = ()

    def since(self, moment: float) -> float:
        """What was true only before this is unknown at no one who writes at that moment."""
        since = moment - self.window
        for began, ended in sorted(self.spells, reverse=True):
            if began <= moment and ended >= since:
                since = min(since, began - self.window)
        return since


@dataclass(frozen=True, slots=True)
class Version:
    """A Namespace as it was for a while.

    Attributes:
        readings: how it may be taken; None: as if it were not there.
        ended: when it changed, since the epoch.
    """

    readings: tuple[Manifest | None, ...]
    ended: float


@dataclass(slots=True)
class _Versions:
    versions: list[Version] = field(default_factory=list)
    revisions: list[int] = field(default_factory=list)


class Timeline:
    """All versions of all Namespaces."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._of: dict[str, _Versions] = {}
        for entry in entries:
            if entry.change.kind == NAMESPACES:
                self._add(entry)

    @property
    def names(self) -> Mapping[str, object]:
        """The Namespaces that there ever were."""
        return self._of

    def held(self, name: str, since: float, revision: int) -> list[Manifest | None]:
        """How a Namespace was at some moment from then on, and before a revision."""
        known = self._of.get(name)
        if known is None:
            return [None]
        # One more than there are changes: the first version is what was there before them all.
        upto = bisect.bisect_left(known.revisions, revision) + 1
        found: list[Manifest | None] = []
        for version in reversed(known.versions[:upto]):
            if version.ended < since:
                return found
            found.extend(version.readings)
        return found

    def _add(self, entry: Entry) -> None:
        known = self._of.setdefault(entry.change.name, _Versions())
        last = known.versions.pop() if known.versions else None
        before = last.readings if last else (None,)
        known.versions += [Version(before, entry.latest), Version(_readings(entry, before), _NEVER)]
        known.revisions.append(entry.revision)


def is_going(space: Manifest | None) -> bool:
    """The Namespace is being deleted."""
    return space is not None and "deletionTimestamp" in space["metadata"]


def _readings(entry: Entry, before: tuple[Manifest | None, ...]) -> tuple[Manifest | None, ...]:
    """One that is being deleted may count as what it last was, until it is gone, or as gone.

    Its pods still end, and nothing new begins; a newcomer takes it by the labels that it has.
    """
    space = entry.after
    if space is None or not is_going(space):
        return (space,)
    metadata = {k: v for k, v in space["metadata"].items() if k != "deletionTimestamp"}
    return (*before, space | {"metadata": metadata}, None)
