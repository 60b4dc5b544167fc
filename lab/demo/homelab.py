"""Reads homelab.yaml: the Namespaces, the flows to judge, and what is expected of them.

Nothing that is expected is computed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import yaml

from lab.control_plane import Flow, Identity

THE_NAMESPACE = "it"


@dataclass(frozen=True)
class Namespace:
    """A Namespace of the homelab.

    Attributes:
        name: its name.
        platform: it keeps hand-written policies.
        profile: the profile that it asks for first, if any.
        grants: the shared resources that it asks for.
        then: what is changed afterwards: `profile` or `enforcement`, to a new value.
        in_force: the profile that must be in force in the end, if any.
        hatch: the escape hatch must be open in the end.
    """

    name: str
    platform: bool
    profile: str | None = None
    grants: frozenset[str] = frozenset()
    then: Mapping[str, str] = field(default_factory=dict)
    in_force: str | None = None
    hatch: bool = False

    def first_labels(self, domain: str) -> dict[str, str]:
        """The labels that it gets first, in a label domain."""
        labels = {f"access.{domain}/{name}": "true" for name in sorted(self.grants)}
        return labels | ({f"{domain}/profile": self.profile} if self.profile else {})

    def later_labels(self, domain: str) -> dict[str, str]:
        """The labels that it gets afterwards."""
        return {f"{domain}/{name}": value for name, value in self.then.items()}


@dataclass(frozen=True)
class Question:
    """A connection to ask about.

    Attributes:
        source: a namespace, or one of the other endpoints.
        target: the same.
        port: the port's number.
        protocol: TCP or UDP.
    """

    source: str
    target: str
    port: int
    protocol: str = "TCP"

    @property
    def flow(self) -> Flow:
        """The question as Cilium's engine takes it."""
        return Flow(self.source, self.target, self.port, self.protocol)

    def __str__(self) -> str:
        protocol = "" if self.protocol == "TCP" else f"/{self.protocol}"
        return f"{self.source} → {self.target}:{self.port}{protocol}"


@dataclass(frozen=True)
class ExpectedVerdict:
    """A question, the expected answer, and the reason in plain words."""

    question: Question
    allowed: bool
    because: str


@dataclass(frozen=True)
class ExpectedWarning:
    """A Kubernetes Event that is expected: its namespace, and part of its message."""

    namespace: str
    reason: str
    says: str


@dataclass(frozen=True)
class Homelab:
    """The whole homelab, and what is expected of it."""

    namespaces: tuple[Namespace, ...]
    endpoints: Mapping[str, Identity]
    verdicts: tuple[ExpectedVerdict, ...]
    warnings: tuple[ExpectedWarning, ...]
    _watched: tuple[tuple[str, str, str], ...]

    def names(self) -> list[str]:
        """The Namespaces' names, in the order in which they are shown."""
        return [namespace.name for namespace in self.namespaces]

    def watched(self, namespace: str) -> list[Question]:
        """The questions about one namespace that are asked again after each change."""

        def named(end: str) -> str:
            return namespace if end == THE_NAMESPACE else end

        questions = (
            _question(named(source), named(target), port) for source, target, port in self._watched
        )
        return [question for question in questions if question.source != question.target]


def load_homelab() -> Homelab:
    """The homelab of homelab.yaml."""
    text = resources.files(__package__).joinpath("homelab.yaml").read_text(encoding="utf-8")
    data = yaml.safe_load(text)
    return Homelab(
        namespaces=tuple(
            _namespace(name, spec, platform=part == "platform")
            for part in ("apps", "platform")
            for name, spec in data[part].items()
        ),
        endpoints={name: _identity(spec) for name, spec in data["endpoints"].items()},
        verdicts=tuple(
            ExpectedVerdict(_question(source, target, port), _ALLOWED[outcome], because)
            for source, target, port, outcome, because in data["verdicts"]
        ),
        warnings=tuple(ExpectedWarning(**spec) for spec in data["warnings"]),
        _watched=tuple((source, target, port) for source, target, port in data["watched"]),
    )


_ALLOWED = {"allowed": True, "denied": False}


def _namespace(name: str, spec: Mapping[str, Any], *, platform: bool) -> Namespace:
    in_force = spec["in-force"]
    return Namespace(
        name=name,
        platform=platform,
        profile=spec.get("profile"),
        grants=frozenset(spec.get("grants", ())),
        then=spec.get("then", {}),
        in_force=None if in_force == "none" else in_force,
        hatch=spec.get("hatch") == "open",
    )


def _question(source: str, target: str, port: int | str) -> Question:
    number, _, protocol = str(port).partition("/")
    return Question(source, target, int(number), protocol or "TCP")


def _identity(spec: Mapping[str, Any]) -> Identity:
    if "entity" in spec:
        return Identity.entity(spec["entity"])
    return Identity.pod(spec["pod"]["namespace"], spec["pod"]["labels"])
