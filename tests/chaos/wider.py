"""Was every policy that the operator wrote one that the labels asked for?

A write is justified if the pure function gives what it left behind (the policy, or none) for what
Namespaces said at some moment between two bounds: the earliest that the operator can still have
taken for the present (`Blindness`), and the write itself. So after a label narrows, nothing wider
is written once the window is over; a hatch is only opened while, or just after, its label is
there; and a policy whose going would open something goes only when nothing asks for it. Policies
that list users of something are judged user by user: whoever used it all the time must be in it,
whoever used it at no moment must not be.

What stands, and was right when it was written, may be out of date until the operator has followed.
It then allows what the old labels allow, no more. For how long is judged in `lateness`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from tests.chaos.foreign import POLICIES, describe
from tests.chaos.ledger import Entry, labels_of
from tests.chaos.timeline import Blindness, Timeline
from tests.chaos.wanted import Key, PureFunction, grant_of, has_deadline, left_out, says
from tests.cluster.kube import CNP, Manifest
from tests.cluster.words import consumers

# A hatch's net leaves a Namespace out by name until identities have no label of it any more: 36 s
# with Cilium's defaults, which hold where its ConfigMap cannot be read; and as long again after
# each restart, of which a run has a few.
_CATCHES_UP = 150.0


@dataclass(frozen=True, slots=True)
class Justice:
    """What a write is measured against.

    Attributes:
        function: what labels ask for.
        blindness: how far back the operator may have looked.
        clocks: seconds by which the operators' clocks may have been off, 0 included.
    """

    function: PureFunction
    blindness: Blindness
    clocks: tuple[float, ...] = (0.0,)


def unjustified(
    entries: Iterable[Entry],
    since: int,
    operators: Collection[str],
    timeline: Timeline,
    justice: Justice,
) -> Iterator[str]:
    """The operator's writes that nothing asked for."""
    for entry in entries:
        change = entry.change
        if entry.revision <= since or entry.author not in operators or change.kind not in POLICIES:
            continue
        trial = _Trial(entry, timeline, justice)
        if not trial.is_justified():
            yield f"{entry.author} {describe(change)} unasked: {trial.evidence()}"


class _Trial:
    """One write."""

    def __init__(self, entry: Entry, timeline: Timeline, justice: Justice) -> None:
        self._entry = entry
        self._timeline = timeline
        self._function = justice.function
        self._since = justice.blindness.since(entry.asked_at)
        moments = (self._since, min(entry.latest, entry.asked_at + justice.blindness.window))
        self._nows = [moment + offset for moment in moments for offset in justice.clocks]

    def is_justified(self) -> bool:
        change = self._entry.change
        key = (change.kind, change.namespace, change.name)
        resource = grant_of(key)
        if change.kind != CNP:
            return self._clusterwide(key)
        return self._own(key) if resource is None else self._target(resource)

    def evidence(self) -> str:
        """What was left behind, and what the Namespace said in the time that counts."""
        change, after = self._entry.change, self._entry.after
        window = f"in the {self._entry.asked_at - self._since:.1f} s before"
        left = "nothing" if after is None else {"labels": labels_of(after), **_body(after)}
        resource = grant_of((change.kind, change.namespace, change.name))
        if resource is not None:
            surely, perhaps = self._users(resource)
            listed = set(consumers(after))
            return (
                f"it left out {sorted(surely - listed)}, which used it all the time {window}, and"
                f" let in {sorted(listed - surely - perhaps)}, which did at no time; it left {left}"
            )
        held = [
            "gone" if each is None else labels_of(each) for each in self._held(change.namespace)
        ]
        return f"{window} the Namespace said {held}; it left {left}"

    def _held(self, name: str) -> list[Manifest | None]:
        return self._timeline.held(name, self._since, self._entry.revision)

    def _own(self, key: Key) -> bool:
        return any(
            says(self._entry.after, self._function.own(space, now).get(key))
            for space in self._held(key[1])
            for now in self._nows
        )

    def _target(self, resource: str) -> bool:
        surely, perhaps = self._users(resource)
        listed = set(consumers(self._entry.after))
        fits = surely <= listed <= surely | perhaps
        return fits and says(self._entry.after, self._function.target(resource, listed))

    def _users(self, resource: str) -> tuple[set[str], set[str]]:
        """Who used a resource all the time that counts, and who did at some moment of it."""
        surely, perhaps = set[str](), set[str]()
        for name in self._timeline.names:
            uses = [
                resource in self._function.uses(space, now)
                for space in self._held(name)
                for now in self._nows
            ]
            if all(uses):
                surely.add(name)
            elif any(uses):
                perhaps.add(name)
        return surely, perhaps

    def _just_closed(self, name: str) -> bool:
        """Its hatch was open not long ago, and may have been closed when this was written."""
        earlier = self._timeline.held(name, self._since - _CATCHES_UP, self._entry.revision)
        asks = self._function.asks_for_hatch
        return any(map(asks, earlier)) and not all(map(asks, self._held(name)))

    def _clusterwide(self, key: Key) -> bool:
        out = left_out(self._entry.after)
        if not all(map(self._just_closed, out)):
            return False
        surely, perhaps = list[Manifest](), list[Manifest]()
        for name in self._timeline.names:
            held = self._held(name)
            dated = [space for space in held if space is not None and has_deadline(space)]
            closed = [self._function.has_closed(space, now) for space in held for now in self._nows]
            if dated and all(closed):
                surely.append(dated[-1])
            elif any(closed):
                perhaps.append(dated[-1])
        return any(
            says(self._entry.after, choice.get(key))
            for choice in self._function.clusterwide_between(surely, perhaps, out)
        )


def _body(manifest: Manifest) -> Manifest:
    return {part: manifest[part] for part in ("spec", "specs") if part in manifest}
