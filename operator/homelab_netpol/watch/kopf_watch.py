"""One of Kopf's watches, and how far it is behind.

Kopf heals its watches by itself, but does not say when one was last heard. So a list is compared
with what the watch has delivered: what the list shows and the watch does not deliver tells that the
watch is behind.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

# An event is on its way for some milliseconds; Kopf opens a closed watch again within seconds.
_NOT_READY_SECONDS = 10.0
# So long Kopf itself tries to reach an API server that does not answer (handlers/kopf_settings.py).
_END_SECONDS = 120.0


class WatchBehind(Exception):
    """A watch did not deliver for minutes what lists show: the process must be started again."""


class KopfWatch:
    """What lists have shown of a collection and Kopf's watch has not delivered yet.

    Attributes:
        heard_at: when the watch last delivered an event, in monotonic time. It delivers in order:
            what happened before, it has delivered as well.
    """

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        """Begins with nothing undelivered.

        Args:
            name: of the collection, its plural.
            clock: monotonic time.
        """
        self.name = name
        self._clock = clock
        self._undelivered: dict[str, tuple[int, float]] = {}
        self.heard_at = float("-inf")

    def delivered(self, event: Mapping[str, Any]) -> None:
        """Kopf delivered an event: of the watch, or without a type of the list before it."""
        if event["type"] is not None:
            self.heard_at = self._clock()
        if not self._undelivered:
            return
        metadata = event["object"]["metadata"]
        version, _ = self._undelivered.get(metadata["name"], (0, 0.0))
        if version and int(metadata["resourceVersion"]) >= version:
            del self._undelivered[metadata["name"]]

    def compare(self, newer: Mapping[str, int], present: Collection[str]) -> None:
        """A list was compared with what is known.

        Deletions do not count as undelivered: after a 410 Kopf lists anew, and never delivers those
        of the gap.

        Args:
            newer: the objects that the list shows in a newer state, with its resourceVersion.
            present: the names of all objects in the list.
        """
        since = self._clock()
        kept = {name: each for name, each in self._undelivered.items() if name in present}
        self._undelivered = {name: (version, since) for name, version in newer.items()} | kept

    @property
    def behind_seconds(self) -> float:
        """Since when a list has shown what the watch has not delivered; 0: it is not behind."""
        if not self._undelivered:
            return 0.0
        return self._clock() - min(since for _, since in self._undelivered.values())

    def stale_because(self) -> str | None:
        """Why the watch counts as stale; None if it does not."""
        behind = self.behind_seconds
        if behind <= _NOT_READY_SECONDS:
            return None
        return (
            f"the watch of {self.name} is behind: for {behind:.0f} s it has not delivered what"
            " lists show"
        )

    def check(self) -> None:
        """Ends a process whose watch stays behind.

        Raises:
            WatchBehind: for two minutes.
        """
        if self.behind_seconds > _END_SECONDS:
            raise WatchBehind(f"{self.stale_because()}. The operator ends, to be started again.")
