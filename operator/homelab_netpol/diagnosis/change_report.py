"""What a change of labels broke, in words and as data. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from homelab_netpol.diagnosis.change import ChangeWatch, Conversation, Outcome
from homelab_netpol.diagnosis.diagnose import Diagnoser
from homelab_netpol.diagnosis.diagnosis import Diagnosis, joined
from homelab_netpol.diagnosis.report import diagnosis_data
from homelab_netpol.flows import Read
from homelab_netpol.intent.deadline import format_moment

#: So many groups of drops are explained.
_MOST_EXPLAINED = 50
_MOST_NAMED = 10
_IN_WORDS = {
    Outcome.AS_BEFORE: "Dropped before as well",
    Outcome.RECOVERED: "Dropped for a while, passes again",
    Outcome.PASSES_NOW: "Passes now, and was dropped before",
    Outcome.NOT_SEEN: "Passed before, not seen since",
}


@dataclass(frozen=True, slots=True)
class ChangeReport:
    """What was found.

    Attributes:
        namespace: whose labels changed.
        changed: when; None: the flows of before and after were given apart.
        outcomes: the conversations of before, by what became of them.
        broken: why those are dropped that passed before.
        new: why that is dropped which was not seen before.
        gaps: what keeps the rest from being certain.
    """

    namespace: str
    changed: datetime | None
    outcomes: dict[Outcome, list[Conversation]]
    broken: list[Diagnosis]
    new: list[Diagnosis]
    gaps: tuple[str, ...]

    @property
    def passed_before(self) -> int:
        """How many conversations passed before."""
        return sum(each.flowed for found in self.outcomes.values() for each in found)

    @property
    def result(self) -> str:
        """The answer in a word: broken, unknown, new-drops or passes."""
        if self.outcomes[Outcome.BROKEN]:
            return "broken"
        if self.gaps:
            return "unknown"
        return "new-drops" if self.new else "passes"


def change_report(
    namespace: str,
    changed: datetime | None,
    watch: ChangeWatch,
    diagnoser: Diagnoser,
    gaps: Sequence[str],
) -> ChangeReport:
    """Explains what is dropped since a change.

    Args:
        namespace: whose labels changed.
        changed: when; None: the flows of before and after were given apart.
        watch: what was seen.
        diagnoser: of the cluster after the change.
        gaps: what keeps the rest from being certain, of the input.
    """
    outcomes = dict(watch.conversations())
    broken = [drop for each in outcomes[Outcome.BROKEN] for drop in each.drops.values()]
    broken = sorted(broken, key=lambda each: -each.count)[:_MOST_EXPLAINED]
    new = list(watch.new_drops())
    diagnoser.expect([*broken, *new[:_MOST_EXPLAINED]])
    missing = [*gaps, *_gaps(watch, has_new=bool(new))]
    return ChangeReport(
        namespace,
        changed,
        outcomes,
        joined([diagnoser.diagnose(each) for each in broken]),
        joined([diagnoser.diagnose(each) for each in new[:_MOST_EXPLAINED]]),
        tuple(missing),
    )


def summary(report: ChangeReport) -> str:
    """The answer in one sentence."""
    broken, total = len(report.outcomes[Outcome.BROKEN]), report.passed_before
    since = f" {format_moment(report.changed)}" if report.changed is not None else " the change"
    if broken:
        verb = "is" if broken == 1 else "are"
        words = f"{broken} of {total} that passed before{since} {verb} dropped"
    elif report.gaps:
        words = f"nothing certain: {report.gaps[0]}"
    else:
        seen = total - len(report.outcomes[Outcome.NOT_SEEN])
        unseen = f", {total - seen} were not seen since" if seen < total else ""
        words = f"nothing that passed before{since} is dropped: {seen} pass{unseen}"
    return f"{report.namespace}: {words}."


def remarks(report: ChangeReport) -> Iterator[str]:
    """A line for each kind of outcome that is neither broken nor passing as before."""
    for outcome, words in _IN_WORDS.items():
        found = report.outcomes[outcome]
        if found:
            named = ", ".join(each.key.words for each in found[:_MOST_NAMED])
            more = f" and {len(found) - _MOST_NAMED:,} more" if len(found) > _MOST_NAMED else ""
            yield f"{words}: {named}{more}"


def notes(watch: ChangeWatch) -> Iterator[str]:
    """What a reader must know beside it."""
    if watch.no_policy:
        yield (
            f"{watch.no_policy:,} drops since are for Cilium's own reasons, no matter of labels:"
            " homelab-netpol diagnose says which"
        )
    if watch.audited:
        yield (
            f"{watch.audited:,} flows since pass only as Cilium is in audit mode, and are taken as"
            " passing: homelab-netpol diagnose says which would be dropped"
        )
    if watch.new.others:
        yield f"{watch.new.others:,} new drops of rarer groups are not explained"


def change_data(report: ChangeReport, watch: ChangeWatch, read: Read) -> dict[str, Any]:
    """The whole for programs, stable."""
    named = {
        "asBefore": Outcome.AS_BEFORE,
        "recovered": Outcome.RECOVERED,
        "passesNow": Outcome.PASSES_NOW,
        "notSeenSince": Outcome.NOT_SEEN,
    }
    return {
        "namespace": report.namespace,
        "result": report.result,
        "changed": format_moment(report.changed) if report.changed is not None else None,
        "passedBefore": report.passed_before,
        "brokenConversations": [
            _conversation_data(each) for each in report.outcomes[Outcome.BROKEN]
        ],
        "broken": [diagnosis_data(each) for each in report.broken],
        "newDrops": [diagnosis_data(each) for each in report.new],
        "passes": len(report.outcomes[Outcome.PASSES]),
        **{
            name: [_conversation_data(each) for each in report.outcomes[outcome]]
            for name, outcome in named.items()
        },
        "read": {
            "flows": read.flows,
            "lost": read.lost,
            "notFlows": read.unreadable + read.others,
            "before": watch.before,
            "after": watch.after,
            "givenUp": watch.given_up,
        },
        "notes": list(notes(watch)),
        "incomplete": list(report.gaps),
    }


def _conversation_data(conversation: Conversation) -> dict[str, Any]:
    key, after = conversation.key, conversation.after.values()
    return {
        "source": key.source.words,
        "destination": key.destination.words,
        "port": key.port,
        "protocol": key.protocol or None,
        "passedBefore": conversation.passed_before,
        "droppedBefore": sum(each.dropped for each in conversation.before.values()),
        "passedSince": max((each.passed for each in after), default=0),
        "droppedSince": sum(each.dropped for each in after),
    }


def _gaps(watch: ChangeWatch, *, has_new: bool) -> Iterator[str]:
    if not watch.before:
        yield "no flow was seen before the change, so there is nothing to compare with"
    if not watch.after:
        yield "no flow was seen since the change"
    if watch.given_up and has_new:
        yield (
            f"{watch.given_up:,} flows before were of conversations too many to keep: a drop of one"
            " of these is told as new"
        )
