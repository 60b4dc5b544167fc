"""Which commands of the documentation are not run here, and why: see not_run.yaml."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.docs.pages import Command

_LIST = Path(__file__).with_name("not_run.yaml")


@dataclass(frozen=True)
class NotRun:
    """Commands that cannot be run here.

    Attributes:
        pattern: the command; a `*` in it stands for anything.
        reason: why.
    """

    pattern: str
    reason: str

    def covers(self, command: Command) -> bool:
        """Whether a command is meant."""
        parts = (re.escape(_squeezed(part)) for part in self.pattern.split("*"))
        return re.fullmatch(".*".join(parts), _squeezed(command.text)) is not None


@functools.cache
def exceptions() -> tuple[NotRun, ...]:
    """The whole list."""
    groups = yaml.safe_load(_LIST.read_text(encoding="utf-8"))
    return tuple(
        NotRun(pattern, reason) for reason, patterns in groups.items() for pattern in patterns
    )


def why_not_run(command: Command) -> str | None:
    """Why a command is not run; None if it has to be."""
    return next((each.reason for each in exceptions() if each.covers(command)), None)


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("\\\n", " "))
