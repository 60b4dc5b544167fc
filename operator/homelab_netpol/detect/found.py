"""What was found: settings with their evidence, and questions. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A value, or one of a list.

    Attributes:
        value: as YAML has it.
        because: the evidence, a sentence without its full stop; "": none is needed.
        checks: what its author has to confirm, in sentences.
    """

    value: Any
    because: str = ""
    checks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting.

    Attributes:
        path: its keys, from the file's top.
        value: its value; or, of a list, the entries.
        because: the evidence for all of it.
        checks: what its author has to confirm.
    """

    path: Path
    value: Entry | tuple[Entry, ...]
    because: str = ""
    checks: tuple[str, ...] = ()

    @property
    def plain(self) -> Any:
        """The value as YAML has it."""
        if isinstance(self.value, Entry):
            return self.value.value
        return [each.value for each in self.value]

    @property
    def evidence(self) -> list[str]:
        """All of it."""
        entries = (self.value,) if isinstance(self.value, Entry) else self.value
        return [text for text in (self.because, *(each.because for each in entries)) if text]


@dataclass(frozen=True, slots=True)
class Detected:
    """What a cluster says about the settings.

    Attributes:
        settings: those that differ from the defaults.
        confirmed: in sentences without a full stop, what is as the defaults have it.
        questions: what its owner has to answer, beside what stands at a setting.
        gaps: what could not be read.
    """

    settings: Sequence[Setting] = ()
    confirmed: Sequence[str] = ()
    questions: Sequence[str] = ()
    gaps: Sequence[str] = ()

    @property
    def data(self) -> dict[str, Any]:
        """The settings, as a file has them."""
        found: dict[str, Any] = {}
        for setting in self.settings:
            place = found
            for key in setting.path[:-1]:
                place = place.setdefault(key, {})
            place[setting.path[-1]] = setting.plain
        return found

    @property
    def checks(self) -> list[str]:
        """All that its owner has to confirm or answer."""
        found = list(self.questions)
        for setting in self.settings:
            found += setting.checks
            for entry in (setting.value,) if isinstance(setting.value, Entry) else setting.value:
                found += entry.checks
        return found


# Pods on the nodes' network, which Cilium knows by their node only.
BY_NODE = {"entities": ["host", "remote-node"]}


@dataclass(slots=True)
class Findings:
    """What one detector collects."""

    settings: list[Setting] = field(default_factory=list)
    confirmed: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)

    def take(self, path: Path, entries: tuple[Entry, ...], default: Iterable[BaseModel]) -> None:
        """A list with its evidence: a setting, or confirmed if it is as the defaults have it."""
        usual = [each.model_dump(by_alias=True, exclude_defaults=True) for each in default]
        if [each.value for each in entries] == usual:
            self.confirmed.append(f"{'.'.join(path)}: {entries[0].because}")
        else:
            self.settings.append(Setting(path, entries))

    def add(self, other: Findings) -> None:
        """Takes in what another one found."""
        self.settings += other.settings
        self.confirmed += other.confirmed
        self.questions += other.questions


def unique(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Entries without those whose value was there before; their evidence joins its."""
    found: list[Entry] = []
    for entry in entries:
        for index, known in enumerate(found):
            if known.value == entry.value:
                because = "; ".join(dict.fromkeys(filter(None, (known.because, entry.because))))
                checks = tuple(dict.fromkeys((*known.checks, *entry.checks)))
                found[index] = Entry(known.value, because, checks)
                break
        else:
            found.append(entry)
    return tuple(found)
