"""Did only one replica write at a time: the one that the Lease named?

By the order in which things were stored, not by any clock: the author of each write of a policy
must hold the Lease at that revision. And who no longer holds it must not even ask.
"""

from __future__ import annotations

import bisect
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from tests.chaos.audit import Asked
from tests.chaos.foreign import POLICIES, describe
from tests.chaos.history import LEASES
from tests.chaos.ledger import UNLOGGED_OPERATOR, Entry


@dataclass(frozen=True, slots=True)
class Tenure:
    """One replica held the Lease.

    Attributes:
        user: who; "" while nobody did.
        holder: the name that stood in it.
        revision: with which it began.
        began: when the Lease was given to it, since the epoch, at the latest.
        renewed: when it said last that it was alive, at the latest.
    """

    user: str
    holder: str
    revision: int
    began: float
    renewed: float


def tenures(entries: Iterable[Entry], lease: str) -> list[Tenure]:
    """Who held the Lease one after the other."""
    found: list[Tenure] = []
    for entry in entries:
        if entry.change.kind != LEASES or entry.change.name != lease:
            continue
        spec = (entry.after or {}).get("spec") or {}
        holder = spec.get("holderIdentity") or ""
        if found and found[-1].holder == holder:
            last = found.pop()
            # Of its first write the API server may have been killed before it could log it.
            user = entry.author if last.user == UNLOGGED_OPERATOR else last.user
            found.append(Tenure(user, holder, last.revision, last.began, entry.latest))
        else:
            user = entry.author if holder else ""
            found.append(Tenure(user, holder, entry.revision, entry.latest, entry.latest))
    return found


def second_writers(
    entries: Iterable[Entry],
    asked: Iterable[Asked],
    since: int,
    operators: Collection[str],
    lease: str,
) -> Iterator[str]:
    """Writes of policies by a replica that did not hold the Lease."""
    entries = list(entries)
    held = tenures(entries, lease)
    for entry in entries:
        change = entry.change
        if entry.revision <= since or change.kind not in POLICIES or entry.author not in operators:
            continue
        holder = _at(held, entry.revision)
        if holder is None or holder.user != entry.author:
            named = holder.user or "nobody" if holder else "nobody yet"
            yield f"{entry.author} {describe(change)} while the Lease named {named}"
    # What somebody asked for before the first of these changes was judged with those before.
    start = max((each.latest for each in entries if each.revision <= since), default=0.0)
    mine = (each for each in asked if each.user in operators and each.received > start)
    yield from _late_requests(held, mine)


def _late_requests(held: Sequence[Tenure], asked: Iterable[Asked]) -> Iterator[str]:
    """Requests that came from a former leader after another had taken over."""
    began = [each.began for each in held]
    for each in asked:
        if not each.writes or each.resource not in POLICIES:
            continue
        index = bisect.bisect_left(began, each.received) - 1
        if index >= 0 and held[index].user not in ("", each.user):
            yield (
                f"{each.user} asked to {each.verb} {each.resource} {each.namespace}/{each.name}"
                f" {each.received - held[index].began:.3f} s after {held[index].user} had taken"
                " over"
            )


def _at(held: Sequence[Tenure], revision: int) -> Tenure | None:
    before = [each for each in held if each.revision < revision]
    return before[-1] if before else None
