"""Loads the policies of the API server into Cilium's own engine, and asks for verdicts."""

from __future__ import annotations

from collections.abc import Sequence

from lab.control_plane import Engine, Identity, Verdict
from lab.demo.homelab import Homelab, Question
from lab.demo.informer import Snapshot


class Judge:
    """Asks one engine. Nothing here decides about traffic."""

    def __init__(self, engine: Engine, homelab: Homelab) -> None:
        self._engine = engine
        self._homelab = homelab

    def rejected(self, snapshot: Snapshot) -> list[str]:
        """Loads the policies into the engine; returns those that Cilium rejects, and why."""
        pods = {
            name: Identity.pod(name, {"app": name}, snapshot.labels(name))
            for name in (*snapshot.namespaces(), *self._homelab.names())
        }
        self._engine.identities({**pods, **self._homelab.endpoints})
        rejections = self._engine.policies(snapshot.policies())
        return [f"{r.kind} {r.namespace}/{r.name}: {r.error}" for r in rejections]

    def verdicts(self, questions: Sequence[Question]) -> list[Verdict]:
        """Asks about flows under the policies that were loaded last."""
        return self._engine.verdicts(question.flow for question in questions)

    def watched(self, snapshot: Snapshot) -> dict[Question, bool]:
        """Whether each of the watched flows is allowed under the policies of a snapshot."""
        self.rejected(snapshot)
        platform = {namespace.name for namespace in self._homelab.namespaces if namespace.platform}
        questions = [
            question
            for name in snapshot.namespaces()
            if name not in platform and name != "default" and not name.startswith("kube-")
            for question in self._homelab.watched(name)
        ]
        verdicts = self.verdicts(questions)
        return {
            question: verdict.allowed for question, verdict in zip(questions, verdicts, strict=True)
        }
