"""What was measured so far: kept by who, where and when, and written down as it comes."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Record:
    """One measurement.

    Attributes:
        round: in which round.
        scenario: of what.
        contender: of whom.
        namespaces: with how many Namespaces.
        result: one of the scenarios' result classes; None if it failed.
        error: why it failed.
    """

    round: int
    scenario: str
    contender: str
    namespaces: int
    result: object = None
    error: str = ""


@dataclass(slots=True)
class Records:
    """All measurements of a run.

    Attributes:
        machine: what the figures depend on.
        found: in the order in which they were made.
        file: where they are written after each; None: nowhere.
    """

    machine: Mapping[str, str]
    file: Path | None = None
    found: list[Record] = field(default_factory=list)

    def add(self, record: Record) -> None:
        """Adds one, and writes all of them down: what comes after it may end in any way."""
        self.found.append(record)
        if self.file is None:
            return
        document = {"machine": self.machine, "records": [_plain(each) for each in self.found]}
        written = self.file.with_name(f"{self.file.name}.new")
        written.write_text(json.dumps(document), encoding="utf-8")
        written.replace(self.file)

    def of(self, kind: type[Result], contender: str, namespaces: int) -> dict[int, Result]:
        """The results of one kind of one contender at one size, by round."""
        return {
            each.round: each.result
            for each in self.found
            if isinstance(each.result, kind)
            and (each.contender, each.namespaces) == (contender, namespaces)
        }

    def who(self, kind: type[object], namespaces: int) -> list[str]:
        """Who has results of a kind at a size, in the order of the first round."""
        named = (
            each.contender
            for each in self.found
            if isinstance(each.result, kind) and each.namespaces == namespaces
        )
        return list(dict.fromkeys(named))

    def sizes(self, *kinds: type[object]) -> list[int]:
        """The sizes at which there are results of these kinds."""
        return sorted({each.namespaces for each in self.found if isinstance(each.result, kinds)})

    def rounds(self) -> int:
        """How many rounds there were."""
        return len({each.round for each in self.found})

    def failed(self) -> Iterator[Record]:
        """What could not be measured."""
        return (each for each in self.found if each.error)


def _plain(record: Record) -> dict[str, Any]:
    document = dataclasses.asdict(record)
    return {key: value for key, value in document.items() if value not in (None, "")}
