"""How anything is said: as an Event, and as a line of the log."""

from __future__ import annotations

import logging
from typing import Protocol

from homelab_netpol.cluster.events import Subject

log = logging.getLogger(__name__)


class EventSink(Protocol):
    """Where Kubernetes Events go. Posting is best effort and must not wait."""

    def post(
        self, namespace: str, kind: str, reason: str, message: str, *, about: Subject | None = None
    ) -> None:
        """Posts an Event on a Namespace, or with "" on the cluster-scoped object it is about.

        `kind` is Normal or Warning.
        """


class EventRecorder:
    """Says things, each in both places."""

    def __init__(self, events: EventSink) -> None:
        self._events = events

    def warn(
        self, namespace: str, reason: str, message: str, *, about: Subject | None = None
    ) -> None:
        """Says that something is not as somebody wanted it."""
        log.warning("%s", message, extra={"namespace": namespace, "reason": reason})
        self._events.post(namespace, "Warning", reason, message, about=about)

    def note(
        self, namespace: str, reason: str, message: str, *, about: Subject | None = None
    ) -> None:
        """Says that something was done as somebody wanted it."""
        log.info("%s", message, extra={"namespace": namespace, "reason": reason})
        self._events.post(namespace, "Normal", reason, message, about=about)
