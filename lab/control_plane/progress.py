"""Shows the progress of a long step.

On a terminal one line that is rewritten, in a log a line every 15 seconds. It knows nothing of the
steps.
"""

import shutil
import sys
import time
from typing import TextIO

_TERMINAL_INTERVAL = 0.2
_LOG_INTERVAL = 15.0


class Progress:
    """Shows what a step is doing, with the seconds that it has taken so far.

    Args:
        stream: Where to write; standard error by default, so that a command's standard
            output stays free for its result.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._interval = _TERMINAL_INTERVAL if self._terminal else _LOG_INTERVAL
        self._started = time.monotonic()
        self._shown = float("-inf")

    def begin(self, text: str) -> None:
        """Opens a step; the seconds count from here."""
        self._started = time.monotonic()
        self._shown = self._started
        self._line(text)

    def update(self, text: str) -> None:
        """Shows what the step is doing; cheap to call often, since most calls print nothing."""
        now = time.monotonic()
        if now - self._shown < self._interval:
            return
        self._shown = now
        text = f"{text} ({now - self._started:.0f} s)"
        if self._terminal:
            width = shutil.get_terminal_size().columns - 1
            self._stream.write(f"\r\x1b[2K{text[:width]}")
            self._stream.flush()
        else:
            self._line(text)

    def end(self, text: str) -> None:
        """Closes the step with a line that stays."""
        self._line(f"{text} ({time.monotonic() - self._started:.0f} s)")

    def _line(self, text: str) -> None:
        start = "\r\x1b[2K" if self._terminal else ""
        self._stream.write(f"{start}{text}\n")
        self._stream.flush()
