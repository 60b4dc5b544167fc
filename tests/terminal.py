"""What a terminal shows, as a program on it writes it."""

from __future__ import annotations

import os
import select
import time

_SECONDS = 60.0


def until(terminal: int, words: str) -> str:
    """All that is shown up to some words, or until nothing more comes.

    Args:
        terminal: the descriptor of a pseudo-terminal's own end.
        words: in one piece, as they are written.
    """
    shown, end = "", time.monotonic() + _SECONDS
    while words not in shown:
        left = end - time.monotonic()
        if left < 0 or not select.select([terminal], [], [], left)[0]:
            break
        try:
            shown += os.read(terminal, 4096).decode("utf-8", "replace").replace("\r", "")
        except OSError:  # the other end was closed: the program has ended
            break
    return shown
