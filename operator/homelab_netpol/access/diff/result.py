"""What a comparison of two trees comes to. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from homelab_netpol.access.diff.difference import Difference


class FailOn(StrEnum):
    """What a gate does not let through."""

    NONE = "none"
    WIDEN = "widen"
    ANY = "any"


class Fate(StrEnum):
    """What becomes of a Namespace, or of an object."""

    CREATED = "created"
    DELETED = "deleted"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that a Namespace gains or loses, in words.

    Attributes:
        gain: it gains it.
        direction: `egress` or `ingress`.
        peer: whom it may reach, or be reached by.
        ports: on which ports.
        pods: which of its pods: a label selector; "": all.
        by: the policies, and what they are there for.
        certain: without doubt.
        filtered: as far as rules of HTTP, DNS etc. let requests pass.
        still: of a loss of everything: what is allowed from now on.
        difference: as it was found.
    """

    gain: bool
    direction: str
    peer: str
    ports: str
    pods: str
    by: tuple[str, ...]
    certain: bool
    filtered: bool
    still: tuple[str, ...]
    difference: Difference

    @property
    def closes(self) -> bool:
        """Everything but what rules allow is denied from now on."""
        return self.difference.peer is None and not self.gain

    @property
    def words(self) -> str:
        """As a sentence has it, after the Namespace's name."""
        verb = {(True, True): "gains", (True, False): "may gain"}.get((self.gain, self.certain))
        verb = verb or ("loses" if self.certain else "may lose")
        way = "to" if self.direction == "egress" else "from"
        on = "" if self.ports == "every port" else f" on {self.ports}"
        text = f"{verb} {self.direction} {way} {self.peer}{on}"
        if self.filtered:
            text += " (some requests, by rules of HTTP or DNS)"
        if self.pods:
            text += f", for pods {self.pods}"
        return text


@dataclass(frozen=True, slots=True)
class NamespaceDiff:
    """What changes for one Namespace.

    Attributes:
        name: its name.
        fate: what becomes of the Namespace itself.
        asked: how what its labels ask for changes, in words.
        lines: what it gains and loses.
        beside: what comes or goes beside its grants and changes no connection, in words.
        problems: labels that cannot be understood, since the change.
        unjudged: what changes and cannot be judged, in words.
    """

    name: str
    fate: Fate
    asked: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()
    beside: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    unjudged: tuple[str, ...] = ()

    @property
    def gains(self) -> list[Line]:
        """What it may do from now on."""
        return [each for each in self.lines if each.gain]

    @property
    def losses(self) -> list[Line]:
        """What it may no longer do."""
        return [each for each in self.lines if not each.gain]

    @property
    def widens(self) -> bool:
        """More passes, or may pass."""
        return bool(self.gains or self.unjudged)

    @property
    def moves(self) -> bool:
        """Something is to be looked at."""
        return bool(self.lines or self.problems or self.unjudged)

    @property
    def says_something(self) -> bool:
        """There is anything to say of it."""
        is_itself = self.fate is not Fate.CHANGED
        return self.moves or is_itself or bool(self.asked or self.beside)

    @property
    def says(self) -> tuple[object, ...]:
        """Equal for two Namespaces of which the same is said."""
        lines = tuple((each.words, each.by, each.still) for each in self.lines)
        return (self.fate, self.asked, lines, self.beside, self.problems, self.unjudged)


@dataclass(frozen=True, slots=True)
class ObjectDiff:
    """One policy that comes, goes or changes.

    Attributes:
        name: kind, namespace and name.
        namespace: where it is; "" for a clusterwide one.
        fate: what becomes of it.
        before: as it was; None: it was not there.
        after: as it will be; None: it goes.
    """

    name: str
    namespace: str
    fate: Fate
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class TreeDiff:
    """What changes between two trees.

    Attributes:
        namespaces: those for which something changes, in order.
        objects: the policies that differ.
        problems: of the whole tree, that one alone has: custom resources that cannot be used.
        unjudged: what changes and is not judged, as it is no Namespace's.
        gaps: what could not be read.
    """

    namespaces: Sequence[NamespaceDiff] = ()
    objects: Sequence[ObjectDiff] = ()
    problems: Sequence[str] = ()
    unjudged: Sequence[str] = ()
    gaps: Sequence[str] = ()

    @property
    def widens(self) -> bool:
        """More passes, or may pass."""
        return bool(self.unjudged) or any(each.widens for each in self.namespaces)

    def fails(self, gate: FailOn) -> bool:
        """Whether a gate holds it up."""
        if gate is FailOn.WIDEN:
            return self.widens
        moved = self.widens or bool(self.problems) or any(each.moves for each in self.namespaces)
        return gate is FailOn.ANY and moved
