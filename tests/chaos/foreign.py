"""Whose an object is, and whether the operator wrote where it has no business."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from tests.chaos.audit import Asked
from tests.chaos.history import CRDS, NAMESPACES, Change
from tests.chaos.ledger import UNKNOWN, Entry, says_ours, uid_of
from tests.cluster.kube import CCNP, CNP, Manifest

POLICIES = (CNP, CCNP)
# Beside policies: what it says of what it does, and who of its replicas writes.
_ALLOWED = frozenset({"events", "networkprofiles/status", "sharedresources/status"})


class Ownership:
    """Which policies are the operator's: those with our label, and those that it once made.

    A label can be taken off by anybody; the object stays the operator's.
    """

    def __init__(self, operators: Collection[str]) -> None:
        self._operators = operators
        self._made: set[str] = set()

    def see(self, entry: Entry) -> None:
        """Takes in a change; all have to come by, in their order."""
        if entry.change.before is None and entry.author in self._operators:
            self._made.add(uid_of(entry.after))

    def is_ours(self, manifest: Manifest) -> bool:
        """The object is the operator's."""
        return says_ours(manifest) or uid_of(manifest) in self._made


def foreign_touched(
    entries: Iterable[Entry], since: int, operators: Collection[str]
) -> Iterator[str]:
    """Policies of others that the operator changed or deleted.

    A policy of somebody else that goes while nobody is known to have asked for it counts too,
    unless its whole Namespace, or its kind, went with it.
    """
    ownership, going = Ownership(operators), set[str]()
    for entry in entries:
        change = entry.change
        if change.kind in (NAMESPACES, CRDS):
            # A CRD's name begins with the plural name of its kind.
            name = change.name.partition(".")[0]
            (going.add if _going(change) else going.discard)(name)
        if change.kind not in POLICIES:
            continue
        foreign = change.before is not None and not ownership.is_ours(change.before)
        ownership.see(entry)
        if entry.revision <= since or not foreign:
            continue
        what = f"{describe(change)}, which is not the operator's"
        if entry.author in operators:
            yield f"{entry.author} {what}"
            continue
        gone_with_it = bool(going & {change.namespace, change.kind})
        if change.after is None and entry.author == UNKNOWN and not gone_with_it:
            yield f"nobody is known to have {what}"


def strange_requests(
    asked: Iterable[Asked], since: float, operators: Collection[str], lease: str
) -> Iterator[str]:
    """Writes that the operator has no business to ask for, granted or not."""
    for each in asked:
        if each.user not in operators or not each.writes or each.received < since:
            continue
        own_lease = each.resource == "leases" and each.name == lease
        if not (own_lease or each.resource in _ALLOWED or each.resource in POLICIES):
            yield (
                f"{each.user} asked to {each.verb} {each.resource} {each.namespace}/{each.name}"
                f" (answered with {each.status})"
            )


def describe(change: Change) -> str:
    """A change in words."""
    verb = "created" if change.before is None else "deleted" if change.after is None else "changed"
    where = f"{change.namespace}/" if change.namespace else ""
    return f"{verb} {change.kind} {where}{change.name} at revision {change.revision}"


def _going(change: Change) -> bool:
    return change.after is None or "deletionTimestamp" in change.after["metadata"]
