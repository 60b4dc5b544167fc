"""Reports custom resources: that one cannot be used, can again, or was deleted in use."""

from __future__ import annotations

from homelab_netpol.cluster.events import Subject
from homelab_netpol.definitions import DefinitionKind, NotUsable
from homelab_netpol.definitions.model import GROUP, VERSION
from homelab_netpol.reporting.recorder import EventRecorder
from homelab_netpol.telemetry.metrics import Metrics, drop_series


class DefinitionReporter:
    """Remembers what was reported of each custom resource."""

    def __init__(self, recorder: EventRecorder, metrics: Metrics) -> None:
        self._recorder = recorder
        self._metrics = metrics
        self._problems: dict[tuple[DefinitionKind, str], NotUsable] = {}
        self._missed: set[tuple[DefinitionKind, str]] = set()

    def usable(self, kind: DefinitionKind, name: str, uid: str, problem: NotUsable | None) -> None:
        """Reports whether one that exists can be used.

        Args:
            kind: which of the two.
            name: of the object.
            uid: of the object.
            problem: why it cannot be used; None: it can.
        """
        key = (kind, name)
        about = _subject(kind, name, uid)
        if key in self._missed:
            self._missed.discard(key)
            drop_series(self._metrics.definitions_missing, kind, name)
        reported = self._problems.get(key)
        if problem == reported:
            return
        if reported is not None:
            drop_series(self._metrics.definitions_unusable, kind, name, reported.reason)
        if problem is None:
            del self._problems[key]
            self._recorder.note(
                "", "Accepted", f"The {kind} {name} can be used again.", about=about
            )
            return
        self._problems[key] = problem
        self._metrics.definitions_unusable.labels(kind, name, problem.reason).set(1)
        message = f"{problem.sentence} The policies that stand are kept."
        self._recorder.warn("", problem.reason, message, about=about)

    def gone(self, kind: DefinitionKind, name: str, users: int) -> None:
        """Reports that one was deleted though so many Namespaces use it."""
        key = (kind, name)
        reported = self._problems.pop(key, None)
        if reported is not None:
            drop_series(self._metrics.definitions_unusable, kind, name, reported.reason)
        if not users:
            self._missed.discard(key)
            drop_series(self._metrics.definitions_missing, kind, name)
            return
        self._metrics.definitions_missing.labels(kind, name).set(users)
        if key in self._missed:
            return
        self._missed.add(key)
        self._recorder.warn(
            "",
            "DeletedInUse",
            f"The {kind} {name} was deleted while namespaces use it. Their policies are kept as"
            " they are, and follow nothing any more: create it again, or change their labels.",
            about=_subject(kind, name, ""),
        )


def _subject(kind: DefinitionKind, name: str, uid: str) -> Subject:
    return Subject(f"{GROUP}/{VERSION}", kind, name, uid)
