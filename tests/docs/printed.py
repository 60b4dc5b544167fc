"""Compares what a page says that a command prints with what it prints. Knows nothing of commands.

Ages, times, versions and uids are never the same twice, and columns are as wide as what is
in them: these are levelled. A page may leave lines out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_LEVELLED = (
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "TIME"),
    (re.compile(r"\b[A-Z][a-z]{2} +\d+ \d\d:\d\d:\d\d\.\d+"), "TIME"),  # Hubble's
    (re.compile(r"\b\d\d:\d\d:\d\d\b"), "TIME"),
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "UID"),
    (re.compile(r"\b(?=\d)(\d+y)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(?<=\d[ydhms])\b"), "AGE"),
    (re.compile(r"\bv\d+\.\d+\.\d+\b"), "VERSION"),
    (re.compile(r"AGE \(x\d+ over AGE\)"), "AGE"),
    (re.compile(r"\s+"), " "),
)


def differences(shown: Sequence[str], printed: str) -> str:
    """What a page shows and the command did not print, in words; empty if all is there.

    Args:
        shown: lines of the page, in order. Lines between them may be left out, and a line `...`
            says so.
        printed: what the command printed.
    """
    lines = iter([_level(line) for line in printed.splitlines()])
    for line in shown:
        wanted = _level(line)
        if wanted in ("", "..."):
            continue
        if wanted not in lines:  # which goes on behind the line that was found
            return f"It does not print, or not in this order: {line}"
    return ""


def _level(line: str) -> str:
    for pattern, word in _LEVELLED:
        line = pattern.sub(word, line)
    return line.strip()
