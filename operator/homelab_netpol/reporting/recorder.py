"""Event recorder: each thing as a Kubernetes Event, and as a line of the log."""

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
    """Records Events, and logs the same words."""

    def __init__(self, events: EventSink) -> None:
        self._events = events

    def warn(
        self, namespace: str, reason: str, message: str, *, about: Subject | None = None
    ) -> None:
        """Records a Warning: something is not as it was asked for."""
        log.warning("%s", message, extra={"namespace": namespace, "reason": reason})
        self._events.post(namespace, "Warning", reason, message, about=about)

    def note(
        self, namespace: str, reason: str, message: str, *, about: Subject | None = None
    ) -> None:
        """Records a Normal Event: something was done as it was asked for."""
        log.info("%s", message, extra={"namespace": namespace, "reason": reason})
        self._events.post(namespace, "Normal", reason, message, about=about)
