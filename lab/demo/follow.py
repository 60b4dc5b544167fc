"""The demo after its tables: it stays up, and prints each change and what follows from it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lab.demo.changes import describe
from lab.demo.homelab import Question
from lab.demo.informer import Change, Informer
from lab.demo.judge import Judge
from lab.demo.screen import suggestions

_CHECK_SECONDS = 0.5
# A burst of changes has ended when nothing changed for this long.
_QUIET_SECONDS = 0.3
_LONGEST_BURST_SECONDS = 3.0
_FLIPS_SHOWN = 12


def follow(
    informer: Informer,
    judge: Judge,
    *,
    console: Console,
    kubeconfig: Path,
    domain: str,
    check: Callable[[], None],
) -> None:
    """Prints changes until Ctrl-C.

    Args:
        informer: what the API server shows.
        judge: asks Cilium's engine.
        console: where to print.
        kubeconfig: how a second terminal reaches the API server.
        domain: the label domain.
        check: raises when the control plane or the operator has ended.
    """
    console.print()
    console.print(Text("It stays up. Try in a second terminal:", style="bold"))
    for line in suggestions(str(kubeconfig), domain):
        # Unbroken, so that it can be copied.
        console.print(Text(f"  {line}", style="cyan"), soft_wrap=True)
    console.print(Text("Changes are shown here. Ctrl-C ends it and removes everything."))
    console.print()
    try:
        informer.take_changes()
        answers = judge.watched(informer.snapshot())
        while True:
            check()
            if not informer.wait_for_change(_CHECK_SECONDS):
                continue
            changes = _burst(informer)
            now = judge.watched(informer.snapshot())
            lines = [*describe(changes, domain), *_flips(answers, now)]
            if lines:
                console.print(_beside_the_time(lines))
            answers = now
    except KeyboardInterrupt:
        console.print()


def _beside_the_time(lines: Sequence[Text]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    clock = datetime.now().strftime("%H:%M:%S")
    for line in lines:
        table.add_row(Text(clock, style="dim"), line)
        clock = ""
    return table


def _burst(informer: Informer) -> list[Change]:
    """A change and those that follow it closely."""
    changes = informer.take_changes()
    deadline = time.monotonic() + _LONGEST_BURST_SECONDS
    while time.monotonic() < deadline and informer.wait_for_change(_QUIET_SECONDS):
        changes += informer.take_changes()
    return changes


def _flips(before: dict[Question, bool], now: dict[Question, bool]) -> list[Text]:
    words = (Text("denied", style="magenta"), Text("allowed", style="green"))
    flips = [
        Text.assemble(str(question), "  ", words[not allowed], " → ", words[allowed])
        for question, allowed in now.items()
        if before.get(question, allowed) != allowed
    ]
    hidden = len(flips) - _FLIPS_SHOWN
    return flips[:_FLIPS_SHOWN] + ([Text(f"and {hidden} more")] if hidden > 0 else [])
