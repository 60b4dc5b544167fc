"""Labels that a Namespace has just lost, and hatches that were just closed.

GitOps tools take labels off and put them on again within milliseconds, at every sync (decision 14).
So what goes counts for a moment longer, and a hatch whose label returns in that time was never
closed, as far as its deadline is concerned. By a monotonic clock.

Cilium, too, has the label of a closed hatch in identities for a while, and its clusterwide policy
goes by these. So that policy leaves the Namespace out by name meanwhile (docs/datapath.md).
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from homelab_netpol.intent import NamespaceFacts
from homelab_netpol.policy.notes import ExpiredHatch

# Where a Namespace's words stand; `selectable` has those that a shared resource may ask for.
_FIELDS = ("labels", "annotations", "selectable")


@dataclass(frozen=True, slots=True)
class _Held:
    """What a Namespace really says, and until when each lost key counts all the same."""

    actual: NamespaceFacts
    deadlines: Mapping[tuple[str, str], float]


@dataclass(frozen=True, slots=True)
class _Closed:
    """A hatch whose label went."""

    since: datetime
    uid: str
    expired: bool
    deadline: float


class LabelGrace:
    """Keeps both, by Namespace, for so many seconds."""

    def __init__(
        self,
        seconds: float,
        enforcement_key: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Makes an empty cache.

        Args:
            seconds: how long; 0: what is lost is lost at once.
            enforcement_key: the hatch's label, which is never held: a hatch closes at once.
            clock: monotonic time, in seconds.
        """
        self._seconds = seconds
        self._enforcement_key = enforcement_key
        self._clock = clock
        self._held: dict[str, _Held] = {}
        self._closed: dict[str, _Closed] = {}
        # Until when the hatch's clusterwide policy leaves a Namespace out by name.
        self._left_out: dict[str, float] = {}
        self._moved = asyncio.Event()

    def hold(self, before: NamespaceFacts | None, observed: NamespaceFacts) -> NamespaceFacts:
        """The facts that count: those observed, and what went since `before` a moment ago.

        Args:
            before: the facts that counted until now; None: the Namespace was not there.
            observed: as a watch or a list shows it.
        """
        name, held = observed.name, self._held.get(observed.name)
        if not self._seconds or before is None or observed.terminating or before.terminating:
            self._held.pop(name, None)
            return observed
        known = held.deadlines if held is not None else {}
        deadline = self._clock() + self._seconds
        lost = {key: known.get(key, deadline) for key in self._lost(before, observed)}
        return self._count(before, observed, lost)

    def let_go(self, counted: NamespaceFacts) -> NamespaceFacts:
        """The facts that count from now on, once the time of some that were lost is over."""
        held = self._held.get(counted.name)
        if held is None:
            return counted
        return self._count(counted, held.actual, held.deadlines)

    def forget(self, namespace: str) -> None:
        """Forgets a Namespace that is gone."""
        self._held.pop(namespace, None)
        self._closed.pop(namespace, None)
        self._left_out.pop(namespace, None)

    # Hatches

    def hatch_closed(self, namespace: str, uid: str, since: datetime, *, expired: bool) -> None:
        """The label of a hatch went: since when it was open, or had been when it expired."""
        if self._seconds:
            deadline = self._clock() + self._seconds
            self._closed[namespace] = _Closed(since, uid, expired, deadline)
            self._moved.set()

    def hatch_reopened(self, namespace: str, uid: str) -> tuple[datetime, bool] | None:
        """Since when the hatch counts as open whose label came back, and whether it had expired.

        None: it was not closed a moment ago, so it is a new one.
        """
        closed = self._closed.get(namespace)
        if closed is None or closed.uid != uid or closed.deadline <= self._clock():
            return None
        return closed.since, closed.expired

    def expired_hatches(self) -> dict[str, ExpiredHatch]:
        """The expired hatches whose label went a moment ago: it may come back."""
        return {
            name: ExpiredHatch(closed.since, closed.uid)
            for name, closed in self._closed.items()
            if closed.expired
        }

    @property
    def left_out(self) -> Collection[str]:
        """The Namespaces whose hatch has closed, as identities may not say yet."""
        return self._left_out.keys()

    def leave_out(self, namespace: str, seconds: float) -> None:
        """A hatch closed, and identities may say for so many seconds that it is open."""
        self._left_out[namespace] = self._clock() + seconds
        self._moved.set()

    def take_back(self, namespace: str) -> None:
        """A hatch opened."""
        self._left_out.pop(namespace, None)

    # Time

    def take_due(self) -> tuple[list[str], bool]:
        """What time has moved.

        Returns:
            The Namespaces whose lost labels no longer count; and whether the hatch's clusterwide
            policy has another hatch to note, or another Namespace to leave out, than before.
        """
        now = self._clock()
        over = [name for name, closed in self._closed.items() if closed.deadline <= now]
        closed_for_good = [self._closed.pop(name) for name in over]
        due = (name for name, held in self._held.items() if min(held.deadlines.values()) <= now)
        learned = [name for name, deadline in self._left_out.items() if deadline <= now]
        for name in learned:
            del self._left_out[name]
        return sorted(due), bool(learned) or any(closed.expired for closed in closed_for_good)

    async def wait(self) -> None:
        """Waits until something may be due."""
        ends = [min(held.deadlines.values()) for held in self._held.values()]
        ends += [closed.deadline for closed in self._closed.values()]
        ends += self._left_out.values()
        seconds = max(0.0, min(ends) - self._clock()) if ends else None
        try:
            async with asyncio.timeout(seconds):
                await self._moved.wait()
        except TimeoutError:
            return
        self._moved.clear()

    def _lost(self, before: NamespaceFacts, observed: NamespaceFacts) -> list[tuple[str, str]]:
        return [
            (field, key)
            for field in _FIELDS
            for key in getattr(before, field).keys() - getattr(observed, field).keys()
            if key != self._enforcement_key
        ]

    def _count(
        self,
        before: NamespaceFacts,
        actual: NamespaceFacts,
        deadlines: Mapping[tuple[str, str], float],
    ) -> NamespaceFacts:
        now = self._clock()
        lost = {key: deadline for key, deadline in deadlines.items() if deadline > now}
        if not lost:
            self._held.pop(actual.name, None)
            return actual
        self._held[actual.name] = _Held(actual, lost)
        self._moved.set()
        kept: dict[str, dict[str, str]] = {field: {} for field in _FIELDS}
        for field, key in lost:
            kept[field][key] = getattr(before, field)[key]
        return dataclasses.replace(
            actual,
            labels={**actual.labels, **kept["labels"]},
            annotations={**actual.annotations, **kept["annotations"]},
            selectable={**actual.selectable, **kept["selectable"]},
        )
