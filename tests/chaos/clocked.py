"""Runs the operator with a clock that is wrong by as much as a file says, at any moment.

    CHAOS_CLOCK=/path/to/file python -m tests.chaos.clocked run --config ...

The file holds seconds. Only the time of day is wrong: like a real clock that is set, it leaves
monotonic time alone.
"""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import time_machine

from homelab_netpol.cli.main import main
from tests.chaos.clock import VARIABLE

_POLL_SECONDS = 0.02


def _follow(file: Path, clock: time_machine.Traveller, offset: float) -> None:
    while True:
        wanted = float(file.read_text(encoding="utf-8"))
        if wanted != offset:
            clock.shift(timedelta(seconds=wanted - offset))
            offset = wanted
        time.sleep(_POLL_SECONDS)


def run() -> None:
    """Sets the clock, keeps following the file, and runs the command line."""
    file = Path(os.environ[VARIABLE])
    offset = float(file.read_text(encoding="utf-8"))
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=offset), tick=True) as clock:
        threading.Thread(target=_follow, args=(file, clock, offset), daemon=True).start()
        main()


if __name__ == "__main__":
    run()
