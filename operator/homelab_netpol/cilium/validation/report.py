"""What is wrong with a policy: where, and in words.

Paths are linked pairs while checking, because a sound policy, the usual case, never spells one out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

# The path of the parent, and the name or index in it; None is the policy itself. mypy knows no
# recursive tuple without a name, so the parent is Any.
Path = tuple[Any, str | int] | None

_QUOTED_MOST = 80


class Nature(Enum):
    """What becomes of a policy with a problem, if it is written all the same."""

    REJECTED = "Cilium or the API server rejects it"
    DROPPED = "the API server drops the field in silence"
    EMPTY = "an empty list is taken, and means something else than it seems to"
    MISREAD = "it is taken, and something in it is not read as it is written"
    UNWANTED = "it is taken, and the operator has no use for it"


class Taken(str):
    """What is wrong with a string that Cilium takes all the same."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class RuleProblem:
    """One thing for which a policy must not be written.

    Attributes:
        path: the field, such as `spec.egress[2].toPorts[0].ports[1].port`.
        message: what is wrong, and what to write instead.
        nature: what becomes of it.
        steps: the path, step by step.
    """

    path: str
    message: str
    nature: Nature = field(default=Nature.REJECTED, compare=False)
    steps: tuple[str | int, ...] = field(default=(), compare=False)


class Report:
    """Collects problems in the order in which they are found."""

    def __init__(self) -> None:
        self.problems: list[RuleProblem] = []

    def add(self, path: Path, message: str, nature: Nature = Nature.REJECTED) -> bool:
        """Notes a problem. Always False, which is what a check returns that found one."""
        steps = _steps_of(path)
        self.problems.append(RuleProblem(_text_of(steps), message, nature, steps))
        return False


def quoted(value: str) -> str:
    """A value in quotes for a message, cut off if it is very long."""
    return repr(value) if len(value) <= _QUOTED_MOST else f"{value[:_QUOTED_MOST]!r}..."


def _steps_of(path: Path) -> tuple[str | int, ...]:
    steps: list[str | int] = []
    while path is not None:
        path, step = path
        steps.append(step)
    return tuple(reversed(steps))


def _text_of(steps: tuple[str | int, ...]) -> str:
    """A path as people write it."""
    parts = (f"[{each}]" if isinstance(each, int) else f".{each[:_QUOTED_MOST]}" for each in steps)
    return "".join(parts).removeprefix(".")
