"""What was measured so far, by contender, size and round; written to a file as it comes."""

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
        round: the round, from 1 on.
        scenario: the scenario's name.
        contender: the name that the tables show.
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
        return self.by_name(kind, namespaces).get(contender, {})

    def by_name(
        self, kind: type[Result], namespaces: int | None = None
    ) -> dict[str, dict[int, Result]]:
        """The results of one kind by contender and round, in the order of the first round.

        Args:
            kind: a class of results; those of its subclasses are results of this kind too.
            namespaces: at one size; None: at any, for what is measured at one only.
        """
        found: dict[str, dict[int, Result]] = {}
        for each in self.found:
            if isinstance(each.result, kind) and namespaces in (None, each.namespaces):
                found.setdefault(each.contender, {})[each.round] = each.result
        return found

    def by_name_and_size(self, kind: type[Result]) -> dict[str, dict[int, Result]]:
        """The same for all sizes, named such as `bare client, 5,000`."""
        return {
            f"{name}, {size:,}": rounds
            for size in self.sizes(kind)
            for name, rounds in self.by_name(kind, size).items()
        }

    def sizes(self, kind: type[object]) -> list[int]:
        """The numbers of Namespaces with which there are results of this kind."""
        return sorted({each.namespaces for each in self.found if isinstance(each.result, kind)})

    def rounds(self) -> int:
        """How many rounds have at least one measurement."""
        return len({each.round for each in self.found})

    def failed(self) -> Iterator[Record]:
        """What could not be measured."""
        return (each for each in self.found if each.error)


def _plain(record: Record) -> dict[str, Any]:
    document = dataclasses.asdict(record)
    return {key: value for key, value in document.items() if value not in (None, "")}
