"""What preflight finds, and how bad it is. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from homelab_netpol.findings.finding import join_words


class Severity(StrEnum):
    """How bad it is, the worst first."""

    CUT_OFF = "cut-off"
    WARNING = "warning"
    NOTE = "note"


TITLES = {
    Severity.CUT_OFF: "Would be cut off",
    Severity.WARNING: "Would not be as the labels and settings say",
    Severity.NOTE: "Good to know",
}
_ORDER = list(Severity)
# How many names a sentence lists.
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that its owner should look at.

    Attributes:
        severity: how bad it is.
        check: what looked for it, a word that stays the same.
        where: a Namespace, a policy or a setting.
        message: what would happen, and why.
        remedy: what to do; "": the message says it.
    """

    severity: Severity
    check: str
    where: str
    message: str
    remedy: str = ""

    @property
    def text(self) -> str:
        """The message with what to do."""
        return f"{self.message} {self.remedy}".strip()


@dataclass(frozen=True, slots=True)
class Report:
    """All that was found.

    Attributes:
        problems: the worst first.
        gaps: what could not be read.
    """

    problems: Sequence[Problem] = ()
    gaps: Sequence[str] = ()

    @property
    def cuts_off(self) -> bool:
        """Something would be."""
        return any(each.severity is Severity.CUT_OFF for each in self.problems)

    def of(self, severity: Severity) -> list[Problem]:
        """Those of a severity."""
        return [each for each in self.problems if each.severity is severity]


def some_of(names: Sequence[str], most: int = _NAMED) -> str:
    """The first of several names, and how many more there are: `a, b and 7 more`."""
    shown = list(names[:most])
    if len(names) > most:
        shown.append(f"{len(names) - most} more")
    return join_words(shown)


def in_order(problems: Sequence[Problem]) -> list[Problem]:
    """The worst first, each once; then by what looked for it, and where."""
    unique = dict.fromkeys(problems)
    return sorted(unique, key=lambda e: (_ORDER.index(e.severity), e.check, e.where, e.message))
