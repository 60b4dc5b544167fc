"""Reads a Dockerfile: its stages, and in each the instructions with their words.

Only what a Dockerfile of this repository uses. It builds nothing.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction.

    Attributes:
        name: in capitals, such as `RUN`.
        text: the rest of it, its lines joined.
    """

    name: str
    text: str

    def words(self) -> list[str]:
        """The rest of it, split as a shell would, without a flag such as `--from=`."""
        return [word for word in shlex.split(self.text) if not word.startswith("--")]

    def flag(self, name: str) -> str | None:
        """The value of a flag at the beginning, such as `from`."""
        found = re.match(rf"(?:--\S+\s+)*--{name}=(\S+)", self.text)
        return found[1] if found else None

    def exec_form(self) -> list[str]:
        """The list that ENTRYPOINT, CMD and HEALTHCHECK end with."""
        parts: list[str] = json.loads(self.text[self.text.index("[") :])
        return parts


@dataclass(frozen=True, slots=True)
class Stage:
    """From one FROM to the next.

    Attributes:
        name: after AS; the last one's is empty.
        base: the image it begins with.
        steps: what follows.
    """

    name: str
    base: str
    steps: tuple[Step, ...]

    def all(self, name: str) -> list[Step]:
        """The instructions of one kind."""
        return [step for step in self.steps if step.name == name]

    def last(self, name: str) -> Step:
        """The instruction of one kind that counts, of which there must be one."""
        return self.all(name)[-1]


def read(text: str) -> tuple[Stage, ...]:
    """The stages of a Dockerfile, in order."""
    stages: list[Stage] = []
    for step in _steps(text):
        if step.name == "FROM":
            base, *name = step.words()
            stages.append(Stage(name[-1] if name else "", base, ()))
        else:
            last = stages[-1]
            stages[-1] = Stage(last.name, last.base, (*last.steps, step))
    return tuple(stages)


def _steps(text: str) -> Iterator[Step]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        if line.strip():
            name, _, rest = line.strip().partition(" ")
            yield Step(name.upper(), rest.strip())
