"""What is wrong with a policy: where, and in words.

Paths are linked pairs while checking, because a sound policy, the usual case, never spells one out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# The path of the parent, and the name or index in it; None is the policy itself. mypy knows no
# recursive tuple without a name, so the parent is Any.
Path = tuple[Any, str | int] | None

_QUOTED_MOST = 80


@dataclass(frozen=True, slots=True)
class RuleProblem:
    """One thing for which a policy must not be written.

    Attributes:
        path: the field, such as `spec.egress[2].toPorts[0].ports[1].port`.
        message: what is wrong, and what to write instead.
    """

    path: str
    message: str


class Report:
    """Collects problems in the order in which they are found."""

    def __init__(self) -> None:
        self.problems: list[RuleProblem] = []

    def add(self, path: Path, message: str) -> bool:
        """Notes a problem. Always False, which is what a check returns that found one."""
        self.problems.append(RuleProblem(_text_of(path), message))
        return False


def quoted(value: str) -> str:
    """A value in quotes for a message, cut off if it is very long."""
    return repr(value) if len(value) <= _QUOTED_MOST else f"{value[:_QUOTED_MOST]!r}..."


def _text_of(path: Path) -> str:
    """A path as people write it."""
    steps: list[str] = []
    while path is not None:
        path, step = path
        steps.append(f"[{step}]" if isinstance(step, int) else f".{step[:_QUOTED_MOST]}")
    return "".join(reversed(steps)).removeprefix(".")
