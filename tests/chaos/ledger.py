"""What was stored, in order, with who did it and when: etcd's history joined with the audit log."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.chaos.audit import Asked
from tests.chaos.history import Change
from tests.cluster.kube import Manifest
from tests.cluster.spaces import MANAGED_BY, OPERATOR

# The author of a change that no entry of the audit log tells of, by the field manager that made it.
UNLOGGED_OPERATOR = f"(not logged) field manager {OPERATOR}"
UNKNOWN = "(not logged)"


@dataclass(frozen=True, slots=True)
class Entry:
    """One change.

    Attributes:
        change: what was stored.
        author: the user who asked for it; `UNLOGGED_OPERATOR` or `UNKNOWN` if no log tells.
        asked_at: it was not asked for before; seconds since the epoch.
        earliest: it was not stored before.
        latest: it was not stored later.
    """

    change: Change
    author: str
    asked_at: float
    earliest: float
    latest: float

    def __str__(self) -> str:
        change = self.change
        verb = "creates" if change.before is None else "changes" if change.after else "deletes"
        moment = datetime.fromtimestamp(self.earliest, UTC).time().isoformat("milliseconds")
        what = f"{change.kind} {change.namespace}/{change.name}"
        uid = uid_of(change.after or change.before)
        return f"{self.revision} {moment} {self.author} {verb} {what} {uid} {_seen(change.after)}"

    @property
    def revision(self) -> int:
        """The revision of the change."""
        return self.change.revision

    @property
    def after(self) -> Manifest | None:
        """What the object became; None: it was deleted."""
        return self.change.after


def write_ledger(changes: Sequence[Change], asked: Iterable[Asked]) -> list[Entry]:
    """Finds the request behind each change, and narrows down when each was stored.

    A change was stored between the moment its request was received and the one at which it was
    answered; and as changes have an order, not before any earlier one was, nor after any later one.
    """
    by_version, by_uid = _index(asked)
    found = [by_version.get(_version_key(each)) or by_uid.get(_uid_key(each)) for each in changes]
    earliest = itertools.accumulate((each.received if each else 0.0 for each in found), max)
    ends = [each.answered if each else float("inf") for each in found]
    latest = list(itertools.accumulate(reversed(ends), min))[::-1]
    return [
        Entry(
            change,
            author=request.user if request else _unlogged(change),
            asked_at=request.received if request else began,
            earliest=began,
            latest=ended,
        )
        for change, request, began, ended in zip(changes, found, earliest, latest, strict=True)
    ]


_Key = tuple[str, str, str, object]


def _index(asked: Iterable[Asked]) -> tuple[dict[_Key, Asked], dict[_Key, Asked]]:
    """Requests that changed something: by the version they led to, or the object they deleted."""
    by_version: dict[_Key, Asked] = {}
    by_uid: dict[_Key, Asked] = {}
    for each in asked:
        if not (each.writes and each.succeeded):
            continue
        kind = each.resource.partition("/")[0]
        if each.version:
            # The first of several: the others found everything as they wanted it.
            by_version.setdefault((kind, each.namespace, each.name, each.version), each)
        elif each.verb == "delete" and each.uid:
            by_uid.setdefault((kind, each.namespace, each.name, each.uid), each)
    return by_version, by_uid


def _version_key(change: Change) -> _Key:
    return change.kind, change.namespace, change.name, change.revision


def _uid_key(change: Change) -> _Key:
    uid = "" if change.after is not None else uid_of(change.before)
    return change.kind, change.namespace, change.name, uid


def _unlogged(change: Change) -> str:
    """Who made a change of which the API server was killed before it could log it."""
    if change.after is None:
        return UNKNOWN
    old, new = managers_of(change.before), managers_of(change.after)
    # Who writes takes fields from others, so their entries may change as well; their times do not.
    wrote = {name for name, times in new.items() if times - old.get(name, frozenset())}
    return UNLOGGED_OPERATOR if wrote == {OPERATOR} else UNKNOWN


def managers_of(manifest: Manifest | None) -> dict[str, frozenset[str]]:
    """The field managers of what an object says, and when each wrote last, to the second."""
    found: dict[str, frozenset[str]] = {}
    for each in (manifest or {}).get("metadata", {}).get("managedFields") or ():
        found[each["manager"]] = found.get(each["manager"], frozenset()) | {each.get("time", "")}
    return found


def uid_of(manifest: Manifest | None) -> str:
    """The uid; "" where there is no object."""
    return str(manifest["metadata"].get("uid", "")) if manifest else ""


def _seen(manifest: Manifest | None) -> str:
    """What matters of an object, for messages."""
    if manifest is None:
        return ""
    metadata = manifest["metadata"]
    parts = [labels_of(manifest), metadata.get("annotations"), metadata.get("deletionTimestamp")]
    return " ".join(str(part) for part in [*parts, manifest.get("spec")] if part)


def labels_of(manifest: Manifest | None) -> dict[str, str]:
    """The labels."""
    return (manifest or {}).get("metadata", {}).get("labels") or {}


def says_ours(manifest: Manifest | None) -> bool:
    """The object carries our label."""
    return labels_of(manifest).get(MANAGED_BY) == OPERATOR
