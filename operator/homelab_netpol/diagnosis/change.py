"""What passed before a change of labels and is dropped since. Pure.

A conversation is what policies tell apart: a workload, another, a port. Each end judges by itself:
a packet that its sender's policies let go may be dropped at the receiver, so that Hubble shows it
as forwarded and as dropped.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum

from homelab_netpol.cilium.evaluation import Direction
from homelab_netpol.diagnosis.group_key import EndKey, GroupKey, group_key
from homelab_netpol.diagnosis.groups import Group, Groups
from homelab_netpol.flows import DropClass, Flow, Verdict, reason_named

#: So many conversations are kept of before; of more, those with the most flows.
MOST_CONVERSATIONS = 5_000
#: A Namespace's label reaches Cilium's identities so much later at the most (docs/dropped.md): what
#: has passed for so long after a drop passes again.
SETTLED = timedelta(seconds=36)
_MOST_DROPS = 4
_UNSAID = reason_named("")
# Drops that a label may be the cause of. An unknown reason is not taken for an innocent one.
_OF_POLICY = (DropClass.POLICY, DropClass.DENY, DropClass.AUTHENTICATION, DropClass.UNKNOWN)


class Outcome(Enum):
    """What became of a conversation; the value is the word for it."""

    #: It passed before, and is dropped.
    BROKEN = "broken"
    #: It was dropped for a while after the change, and passes again.
    RECOVERED = "recovered"
    #: It was dropped before, and passes.
    PASSES_NOW = "passes now"
    #: It passed before, and passes.
    PASSES = "passes"
    #: It passed before, and nothing was seen of it since.
    NOT_SEEN = "not seen since"
    #: It was dropped before, at the same end, and is.
    AS_BEFORE = "as before"


@dataclass(slots=True)
class Seen:
    """What one end did with a conversation.

    Attributes:
        passed: packets or requests that it let pass.
        dropped: that it dropped.
        last_passed: when the last passed; None: not known.
        last_dropped: likewise.
    """

    passed: int = 0
    dropped: int = 0
    last_passed: datetime | None = None
    last_dropped: datetime | None = None

    def add(self, flow: Flow, *, passed: bool) -> None:
        """One more flow."""
        if passed:
            self.passed += flow.times
            self.last_passed = _later(self.last_passed, flow.time)
        else:
            self.dropped += flow.times
            self.last_dropped = _later(self.last_dropped, flow.time)

    def has_recovered(self, until: datetime | None) -> bool:
        """It passes again, and for long enough to be believed."""
        if self.last_passed is None or self.last_dropped is None or until is None:
            return False
        return self.last_passed > self.last_dropped and until - self.last_dropped >= SETTLED


_Ends = dict[Direction | None, Seen]


@dataclass(slots=True)
class Conversation:
    """One of before.

    Attributes:
        key: who with whom, on which port; what else a GroupKey says has no meaning here.
        before: what each end did before the change.
        after: what each has done since.
        drops: the drops since, as they are diagnosed.
    """

    key: GroupKey
    before: _Ends = field(default_factory=dict)
    after: _Ends = field(default_factory=dict)
    drops: dict[GroupKey, Group] = field(default_factory=dict)

    @property
    def flowed(self) -> bool:
        """It passed before: an end let it pass, and none did nothing but drop it."""
        return _flows(self.before)

    @property
    def passed_before(self) -> int:
        """How often it passed, as the end says that saw it most."""
        return max((each.passed for each in self.before.values()), default=0)

    def add(self, flow: Flow, *, passed: bool, after: bool) -> None:
        """One more flow of it."""
        ends = self.after if after else self.before
        ends.setdefault(flow.direction, Seen()).add(flow, passed=passed)
        if after and not passed:
            key = group_key(flow)
            if key in self.drops or len(self.drops) < _MOST_DROPS:
                self.drops.setdefault(key, Group(key)).add(flow)

    def outcome(self, until: datetime | None) -> Outcome | None:
        """What became of it; None: it was dropped before, and nobody tries it any more.

        Args:
            until: when the last flow of all was seen.
        """
        dropping = {
            end: seen
            for end, seen in self.after.items()
            if seen.dropped and not seen.has_recovered(until)
        }
        if dropping and not self.flowed:
            return Outcome.AS_BEFORE
        if dropping:
            in_part = all(
                seen.passed and end in self.before and self.before[end].dropped
                for end, seen in dropping.items()
            )
            return Outcome.AS_BEFORE if in_part else Outcome.BROKEN
        if not self.flowed:
            return Outcome.PASSES_NOW if _flows(self.after) else None
        if any(seen.dropped for seen in self.after.values()):
            return Outcome.RECOVERED
        return Outcome.PASSES if self.after else Outcome.NOT_SEEN


class ChangeWatch:
    """What was seen before a change, and since.

    Attributes:
        new: drops of what was not seen before.
        given_up: flows before of conversations that were too many to keep.
        before: flows before that an end let pass or dropped.
        after: likewise since.
        no_policy: drops since for Cilium's own reasons, which no label changes.
        audited: flows since that only Cilium's audit mode lets pass.
        until: when the last flow was seen; None: not known.
    """

    def __init__(self, trusted: Collection[str] = (), most: int = MOST_CONVERSATIONS) -> None:
        """Begins with nothing.

        Args:
            trusted: namespaces from which many targets are reached by right.
            most: conversations that are kept.
        """
        self.new = Groups(trusted)
        self.given_up = self.before = self.after = self.no_policy = self.audited = 0
        self.until: datetime | None = None
        self._most = most
        self._scans = Groups(trusted)
        self._known: dict[GroupKey, Conversation] = {}
        self._by_any_name: dict[GroupKey, GroupKey] = {}

    def add(self, flow: Flow, *, after: bool) -> bool:
        """One more flow, seen before the change or since.

        Returns:
            Whether it is a drop of something that passed before.
        """
        if flow.is_reply:
            return False  # it goes by the connection that it belongs to
        passed = flow.verdict is not Verdict.DROPPED
        if passed and flow.direction is None:
            return False  # traced on its way, judged by nobody yet
        if not passed and flow.reason.cause not in _OF_POLICY:
            self.no_policy += after
            return False
        self.until = _later(self.until, flow.time)
        if not after:
            self.before += 1
            self._kept(flow).add(flow, passed=passed, after=False)
            if not passed:
                self._scans.add(flow)
            return False
        self.after += 1
        self.audited += flow.verdict is Verdict.AUDIT
        known = self._same(_conversation_key(flow))
        if known is not None:
            known.add(flow, passed=passed, after=True)
        if passed:
            return False
        if known is None:
            self.new.add(flow)
            return False
        return known.outcome(self.until) is Outcome.BROKEN

    def conversations(self) -> Mapping[Outcome, list[Conversation]]:
        """Those of before by what became of them, in each those with the most flows first."""
        found: dict[Outcome, list[Conversation]] = {each: [] for each in Outcome}
        for each in sorted(self._known.values(), key=_flows_of, reverse=True):
            outcome = each.outcome(self.until)
            if outcome is not None:
                found[outcome].append(each)
        return found

    def new_drops(self) -> Iterator[Group]:
        """Drops of what was not seen before, those that are most first."""
        scans = {_bare(each.key) for each in self._scans.ranked() if each.key.is_scan}
        for group in self.new.ranked():
            if not (group.key.is_scan and _bare(group.key) in scans):
                yield group

    def __len__(self) -> int:
        """How many conversations are kept in memory."""
        return len(self._known)

    def _kept(self, flow: Flow) -> Conversation:
        key = _conversation_key(flow)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= 2 * self._most:
                self._prune()
            known = self._known[key] = Conversation(key)
            if (any_name := _without_names(key)) != key:
                self._by_any_name.setdefault(any_name, key)
        return known

    def _prune(self) -> None:
        """Gives up those that passed least; of those that never did, the rarest first."""
        kept = sorted(self._known.values(), key=lambda each: (each.flowed, _flows_of(each)))
        for each in kept[: -self._most]:
            self.given_up += _flows_of(each)
            del self._known[each.key]
        self._by_any_name = {
            any_name: key for any_name, key in self._by_any_name.items() if key in self._known
        }

    def _same(self, key: GroupKey) -> Conversation | None:
        """The conversation of before; an address outside need not be known by its name twice."""
        known = self._known.get(key)
        if known is None and (any_name := _without_names(key)) == key:
            known = self._known.get(self._by_any_name.get(key, key))
        elif known is None:
            known = self._known.get(any_name)
        return known


def _conversation_key(flow: Flow) -> GroupKey:
    return _bare(group_key(flow))


def _bare(key: GroupKey) -> GroupKey:
    return replace(key, direction=None, verdict=Verdict.FORWARDED, reason=_UNSAID, is_request=False)


def _without_names(key: GroupKey) -> GroupKey:
    return replace(key, source=_unnamed(key.source), destination=_unnamed(key.destination))


def _unnamed(end: EndKey) -> EndKey:
    return replace(end, name="") if end.name else end


def _flows(ends: _Ends) -> bool:
    return any(each.passed for each in ends.values()) and all(
        each.passed for each in ends.values() if each.dropped
    )


def _flows_of(conversation: Conversation) -> int:
    return sum(
        each.passed + each.dropped
        for ends in (conversation.before, conversation.after)
        for each in ends.values()
    )


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    if one is None or other is None:
        return one or other
    return max(one, other)
