"""What a check says, and how bad it is. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """How bad it is, the worst first."""

    ERROR = "error"
    WARNING = "warning"
    UNKNOWN = "unknown"
    NOTE = "note"
    OK = "ok"


_ORDER = list(Status)
_FOUND = (Status.ERROR, Status.WARNING)


@dataclass(frozen=True, slots=True)
class Result:
    """One answer of a check.

    Attributes:
        status: how bad it is; unknown: what it depends on could not be read.
        check: what looked, a word that stays the same.
        where: an object, a setting or a Namespace.
        message: what is so.
        remedy: what to do; "": nothing, or the message says it.
    """

    status: Status
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
    """All answers.

    Attributes:
        results: the worst first, then in the order of the checks.
    """

    results: Sequence[Result]

    @property
    def healthy(self) -> bool:
        """Nothing is an error or a warning."""
        return not any(each.status in _FOUND for each in self.results)

    @property
    def gaps(self) -> list[str]:
        """What could not be read, in sentences."""
        return [each.message for each in self.results if each.status is Status.UNKNOWN]


def report_data(report: Report) -> dict[str, Any]:
    """The answers as JSON; docs/doctor.md describes it."""
    return {
        "healthy": report.healthy,
        "results": [
            {
                "status": str(each.status),
                "check": each.check,
                "where": each.where,
                "message": each.message,
                "remedy": each.remedy,
            }
            for each in report.results
        ],
        "incomplete": report.gaps,
    }


def in_order(results: Sequence[Result]) -> list[Result]:
    """The worst first, each once."""
    return sorted(dict.fromkeys(results), key=lambda each: _ORDER.index(each.status))


def unreadable(check: str, what: str, refused: str) -> Result:
    """The answer of a check that could not read what it judges by."""
    return Result(
        Status.UNKNOWN,
        check,
        what,
        f"{what} cannot be read: {refused.rstrip('.')}.",
        "If a right is missing, ask with an account that has it (docs/doctor.md).",
    )
