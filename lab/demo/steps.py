"""Prints progress on standard error while there is nothing to show yet."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text


@dataclass
class Step:
    """A step under way.

    Attributes:
        result: what to print when it is done.
    """

    result: str


class Steps:
    """Shows one step after the other, with the seconds each took."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def step(self, doing: str) -> Iterator[Step]:
        """Shows that something is being done, and a line that stays when it is."""
        step, started = Step(doing), time.monotonic()
        moving = self._console.status(doing) if self._console.is_terminal else nullcontext()
        with moving:
            yield step
        seconds = time.monotonic() - started
        self.say(f"{step.result} ({seconds:.1f} s)")

    def say(self, text: str) -> None:
        """Prints a line."""
        self._console.print(Text(text, style="dim"))
