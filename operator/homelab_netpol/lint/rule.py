"""What a rule of the linter is, and what it finds. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from homelab_netpol.manifests import Manifest

if TYPE_CHECKING:
    from homelab_netpol.lint.given import Given

# A field: names and indexes, from the object's top.
Path = tuple[str | int, ...]


class Severity(StrEnum):
    """How much a finding matters, the gravest first."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class SetField:
    """An edit: a field is added beside others, with a value on the same line.

    Attributes:
        parent: the path of the mapping that gets it.
        key: its name.
        value: its value, as YAML.
    """

    parent: Path
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class RemoveField:
    """An edit: a field goes, with all that it holds.

    Attributes:
        path: of the field.
    """

    path: Path


Edit = SetField | RemoveField


@dataclass(frozen=True, slots=True)
class Hit:
    """One place where a rule is broken.

    Attributes:
        manifest: the object.
        path: the field.
        message: what is wrong there, and what comes of it.
        severity: where it differs from the rule's.
        edit: what puts it right without changing what is allowed; None: only its author can.
    """

    manifest: Manifest
    path: Path
    message: str
    severity: Severity | None = None
    edit: Edit | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        id: never changes, and is never given again.
        name: in a few words.
        severity: of its findings, unless one says otherwise.
        summary: what is found, in one sentence.
        why: what comes of it.
        fix: what to write instead.
        wrong: a manifest, or several, in which it finds something.
        right: the same put right: nothing is found.
        check: finds it.
        needs: what must be given beside policies, in words; "": nothing. Without it, nothing is
            found, so that an ignored finding may have been one.
        fixable: `--fix` puts some of its findings right.
    """

    id: str
    name: str
    severity: Severity
    summary: str
    why: str
    fix: str
    wrong: str
    right: str
    check: Callable[[Given], Iterable[Hit]]
    needs: str = ""
    fixable: bool = False

    @property
    def anchor(self) -> str:
        """Of its section in docs/lint.md."""
        return f"{self.id}-{self.name}".lower()


@dataclass(frozen=True, slots=True)
class Finding:
    """A hit, with its place.

    Attributes:
        rule: which is broken.
        severity: how much it matters.
        file: where: as `Source.file` has it.
        line: of the field, from 1; 0: there is no file.
        column: likewise.
        target: the object, as messages name it.
        path: the field, as people write it; "" for the whole object.
        message: what is wrong.
        edit: see Hit.
        manifest: the object; None: a comment in a file.
    """

    rule: Rule
    severity: Severity
    file: str
    line: int
    column: int
    target: str
    path: str
    message: str
    edit: Edit | None = None
    manifest: Manifest | None = None


def path_text(path: Path) -> str:
    """A path as people write it: `spec.egress[0].toPorts`."""
    parts = []
    for step in path:
        if isinstance(step, int) or "." in step or "/" in step:
            parts.append(f"[{step}]")
        else:
            parts.append(f".{step}")
    return "".join(parts).removeprefix(".")
