"""Policies of others that have a name of the operator's."""

from __future__ import annotations

from collections.abc import Iterator

from homelab_netpol.preflight.problem import Problem, Severity
from homelab_netpol.preflight.stages import Stages

CHECK = "name-taken"


def check(stages: Stages) -> Iterator[Problem]:
    """Those that stay, and those that are handed over."""
    for key, other in stages.taken.items():
        if other.handed_over:
            yield Problem(
                Severity.NOTE,
                CHECK,
                str(key),
                f"{key} is handed over: the operator replaces its rules by its own.",
                "See docs/take-over.md for what becomes of it in git.",
            )
        else:
            yield Problem(Severity.WARNING, CHECK, str(key), other.complaint)
