"""What a page takes for granted before it begins, and what of it is run: see scenes.yaml."""

from __future__ import annotations

import functools
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.docs.not_run import why_not_run
from tests.docs.pages import Command, Step, commands, steps
from tests.programs import SOURCES

_SCENES = Path(__file__).with_name("scenes.yaml")


@dataclass(frozen=True)
class Scene:
    """One page, as a reader goes through it.

    Attributes:
        page: the page, from the repository's top.
        before: shell scripts of what has happened before. After each the operator is what the
            cluster says.
        interludes: by a command of the page, the scripts of what happens just before it: a page may
            show two ways to do the same.
    """

    page: str
    before: tuple[str, ...]
    interludes: Mapping[str, tuple[str, ...]]

    @property
    def runs(self) -> tuple[Command, ...]:
        """The commands that are run, in order."""
        return tuple(each for each in commands(self.page) if why_not_run(each) is None)

    @property
    def steps(self) -> tuple[Step, ...]:
        """All that is done, in order: commands run and files saved."""
        skipped = set(commands(self.page)) - set(self.runs)
        return tuple(each for each in steps(self.page) if each not in skipped)

    @property
    def missing(self) -> str:
        """Which programs of others are needed and not here, and where they come from; or empty."""
        typed = "\n".join((*self.before, *(command.text for command in self.runs)))
        return "; ".join(
            f"{program} is not installed: {source}"
            for program, source in SOURCES.items()
            if re.search(rf"^(.*\| )?{program} ", typed, re.MULTILINE)
            and shutil.which(program) is None
        )


def scene_of(page: str) -> Scene:
    """A page's scene; what scenes.yaml does not say is as in its `default`."""
    found = _file()
    before = found["pages"].get(page, found["default"])
    interludes = found["interludes"].get(page, {})
    return Scene(page, tuple(before), {command: (*each,) for command, each in interludes.items()})


def scenes() -> list[str]:
    """The pages that scenes.yaml names."""
    return sorted({*_file()["pages"], *_file()["interludes"]})


@functools.cache
def _file() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(_SCENES.read_text(encoding="utf-8"))
    return found
