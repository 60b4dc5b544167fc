"""Which DNS names a `matchName` or `matchPattern` of Cilium's means. Pure.

As in Cilium 1.20, package `fqdn/matchpattern`.
"""

from __future__ import annotations

import re
from functools import lru_cache

_CHARACTER = "[-a-z0-9_]"
_SOME_LABELS = rf"({_CHARACTER}+\.)+"


def dns_pattern_holds(pattern: str, name: str) -> bool:
    """Whether a name, or a pattern of names, means a name; a dot at the end makes no difference."""
    expression = _expression(pattern.lower().rstrip("."))
    return expression.fullmatch(f"{name.lower().rstrip('.')}.") is not None


@lru_cache(maxsize=1024)
def _expression(pattern: str) -> re.Pattern[str]:
    if set(pattern) == {"*"}:
        return re.compile(_SOME_LABELS)
    head, rest = "", pattern
    if found := re.match(r"\*{2,}\.", pattern):
        head, rest = _SOME_LABELS, pattern[found.end() :]
    parts = (re.escape(part) for part in re.split(r"\*+", rest))
    return re.compile(head + f"{_CHARACTER}*".join(parts) + r"\.")
