"""For how long was a policy not as the labels said?

Goes through all changes in their order and keeps, for each policy, since when it has been other
than the pure function of what Namespaces say at that moment: missing, standing without need, out of
date, or edited by hand. No such spell may last longer than the bound, whatever went wrong in the
meantime; the opening of a hatch is measured apart. At the end there must be none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from homelab_netpol.policy.objects import Policy
from tests.chaos.foreign import POLICIES, Ownership
from tests.chaos.history import NAMESPACES
from tests.chaos.ledger import Entry, says_ours
from tests.chaos.timeline import is_going
from tests.chaos.wanted import (
    HOMES,
    Key,
    PureFunction,
    grant_of,
    has_deadline,
    key_of_grant,
    left_out,
    says,
)
from tests.cluster.kube import Manifest
from tests.cluster.spaces import HATCH_POLICY
from tests.cluster.words import consumers


@dataclass(slots=True)
class Lateness:
    """What was measured.

    Attributes:
        hatches: seconds from a hatch's label to its policy, for each that was opened.
        longest: seconds of the longest spell of each other kind, by what was wrong.
        too_long: spells that lasted longer than the bound.
        left: what is not as it should be in the end.
    """

    hatches: list[float] = field(default_factory=list)
    longest: dict[str, float] = field(default_factory=dict)
    too_long: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def measure(
    entries: Iterable[Entry],
    since: int,
    operators: Collection[str],
    function: PureFunction,
    bound: float,
    *,
    finds_unlabelled: bool = True,
) -> Lateness:
    """Measures the spells after a revision; none may last longer than so many seconds.

    A policy that nobody wants, and from which somebody took our label, is only found when the
    operator lists again. Unless it `finds_unlabelled` ones within the bound, they are left out.

    What follows the operator's own clock (hatches that close by themselves, and who is let in as
    long as they are open) is only judged by how it is in the end.
    """
    walk = _Walk(operators, function, bound, finds_unlabelled=finds_unlabelled)
    begun, moment = False, 0.0
    for entry in entries:
        if entry.revision > since and not begun:
            begun = True
            walk.begin(entry.earliest)
        walk.see(entry)
        moment = max(moment, entry.earliest)
    return walk.finish(moment)


class _Walk:
    """One way through all changes."""

    def __init__(
        self,
        operators: Collection[str],
        function: PureFunction,
        bound: float,
        *,
        finds_unlabelled: bool,
    ) -> None:
        self._function = function
        self._bound = bound
        self._finds_unlabelled = finds_unlabelled
        self._ownership = Ownership(operators)
        self._spaces: dict[str, Manifest] = {}
        self._going: set[str] = set()
        self._policies: dict[Key, Manifest] = {}
        self._users: dict[str, set[str]] = {resource: set() for resource in HOMES}
        # Baselines are wanted from the beginning, when none of them stands.
        self._wrong = dict.fromkeys(function.clusterwide(), ("missing", 0.0))
        self._found = Lateness()

    def begin(self, moment: float) -> None:
        """What was wrong before is measured from this moment on."""
        self._wrong = {key: (what, moment) for key, (what, _) in self._wrong.items()}
        self._found = Lateness()

    def see(self, entry: Entry) -> None:
        """Takes in one change, and looks at what it makes wrong or right."""
        self._ownership.see(entry)
        keys = set[Key]()
        if entry.change.kind == NAMESPACES:
            keys = self._take_space(entry)
        elif entry.change.kind in POLICIES:
            keys = {self._take_policy(entry)}
        for key in keys:
            what = self._what_is_wrong(key)
            if what is None:
                self._end(key, entry.latest)
            elif key not in self._wrong:
                self._wrong[key] = (what, entry.earliest)

    def finish(self, moment: float) -> Lateness:
        """Looks at everything as it is in the end."""
        keys = {*self._policies, *self._function.clusterwide(), *map(key_of_grant, HOMES)}
        for name, space in self._spaces.items():
            keys.update(self._function.own(space, moment))
            self._count(name, space, moment)
        for key in sorted(keys):
            what = self._what_is_wrong(key, moment)
            if what is not None:
                self._found.left.append(f"{'/'.join(key)} is {what}")
        for key in list(self._wrong):
            self._end(key, moment)
        return self._found

    def _take_space(self, entry: Entry) -> set[Key]:
        name, old, new = entry.change.name, self._spaces.pop(entry.change.name, None), entry.after
        self._going.discard(name)
        if is_going(new):
            # What is in it goes with it; who lets it in may do so for as long as it is there.
            self._going.add(name)
        elif new is not None:
            self._spaces[name] = new
        keys = {key for key in self._policies if key[1] == name}
        for space in (old, self._spaces.get(name)):
            keys.update(self._function.own(space, 0.0))
        self._count(name, self._spaces.get(name), 0.0)
        return keys | {*map(key_of_grant, HOMES)}

    def _count(self, name: str, space: Manifest | None, now: float) -> None:
        """Counts a Namespace as a user of what it uses."""
        uses = self._function.uses(space, now)
        for resource, users in self._users.items():
            (users.add if resource in uses else users.discard)(name)

    def _take_policy(self, entry: Entry) -> Key:
        change = entry.change
        key = (change.kind, change.namespace, change.name)
        self._policies.pop(key, None)
        if change.after is not None:
            self._policies[key] = change.after
        return key

    def _what_is_wrong(self, key: Key, now: float | None = None) -> str | None:
        """How a policy differs from what should stand; None: not at all."""
        standing = self._policies.get(key)
        namespace_gone = bool(key[1]) and key[1] not in self._spaces
        if namespace_gone or (standing is not None and not self._ownership.is_ours(standing)):
            return None
        if now is None and self._follows_the_clock(key):
            return None
        wanted = self._wanted(key, now or 0.0)
        lost = wanted is None and not says_ours(standing) and not self._finds_unlabelled
        if lost or says(standing, wanted):
            return None
        return "missing" if standing is None else "needless" if wanted is None else "not right"

    def _wanted(self, key: Key, now: float) -> Policy | None:
        resource = grant_of(key)
        if resource is not None:
            leaving = self._going & set(consumers(self._policies.get(key)))
            return self._function.target(resource, self._users[resource] | leaving)
        if key[1]:
            return self._function.own(self._spaces.get(key[1]), now).get(key)
        spaces = self._spaces.values()
        closed = [space for space in spaces if self._function.has_closed(space, now)]
        # For how long they may be left out is `wider`'s to judge.
        out = left_out(self._policies.get(key)) - {
            name for name, space in self._spaces.items() if self._function.asks_for_hatch(space)
        }
        return self._function.clusterwide(closed, out).get(key)

    def _follows_the_clock(self, key: Key) -> bool:
        dated = {name for name, space in self._spaces.items() if has_deadline(space)}
        if grant_of(key) or not key[1]:
            return bool(dated)
        return key[1] in dated and key[2] == HATCH_POLICY

    def _end(self, key: Key, moment: float) -> None:
        if key not in self._wrong:
            return
        what, began = self._wrong.pop(key)
        seconds = max(0.0, moment - began)
        if key[2] == HATCH_POLICY and what == "missing":
            if key in self._policies:
                self._found.hatches.append(seconds)
        else:
            self._found.longest[what] = max(seconds, self._found.longest.get(what, 0.0))
        if seconds > self._bound:
            self._found.too_long.append(f"{'/'.join(key)} was {what} for {seconds:.1f} s")
