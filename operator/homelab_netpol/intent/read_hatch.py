"""Reads a Namespace's escape hatch: the label, and the annotation that closes it by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from homelab_netpol.intent.deadline import format_moment, parse_deadline
from homelab_netpol.intent.model import LastGood, NamespaceFacts, Problem, Reason
from homelab_netpol.intent.vocabulary import Vocabulary, did_you_mean


@dataclass(frozen=True, slots=True)
class Hatch:
    """What an `Intent` says of the hatch, and the problems with it."""

    is_open: bool
    since: datetime | None = None
    until: datetime | None = None
    problems: tuple[Problem, ...] = ()


def read_hatch(
    facts: NamespaceFacts, last_good: LastGood, words: Vocabulary, now: datetime
) -> Hatch:
    """Reads the label and the annotation; see `read_intent`."""
    key = words.enforcement_key
    value = facts.labels.get(key, "enabled")
    problems: tuple[Problem, ...] = ()
    if value == "enabled":
        return Hatch(is_open=False)
    if value != "disabled":
        problems = (_neither(key, value, last_good),)
        if not last_good.hatch_open:
            return Hatch(is_open=False, since=last_good.hatch_since, problems=problems)
    # To the second, as the policy's annotation records it.
    since = last_good.hatch_since or now.replace(microsecond=0)
    until_key = words.disabled_until_key
    text = facts.annotations.get(until_key)
    if text is None:
        return Hatch(is_open=True, since=since, problems=problems)
    until = parse_deadline(text, since)
    if until is None:
        # A typing mistake locks no owner out, and opens nothing that had closed.
        is_open = last_good.hatch_since is None or last_good.hatch_open
        return Hatch(is_open, since, None, (*problems, _unreadable(until_key, text, is_open)))
    if until > now:
        return Hatch(is_open=True, since=since, until=until, problems=problems)
    expired = Problem(
        Reason.HATCH_EXPIRED,
        until_key,
        f"The escape hatch closed by itself at {format_moment(until)}, and enforcement is on,"
        f" though the label {key}={value} is still there. Remove the label in git, or move"
        f" {until_key}.",
    )
    return Hatch(is_open=False, since=since, until=until, problems=(*problems, expired))


def _neither(key: str, value: str, last_good: LastGood) -> Problem:
    state = "open" if last_good.hatch_open else "closed"
    return Problem(
        Reason.ENFORCEMENT_VALUE_INVALID,
        key,
        f"The value of {key} must be 'disabled' or 'enabled', not {value!r}; the escape hatch"
        f" stays {state}. {did_you_mean(value, ('disabled', 'enabled'))}",
    )


def _unreadable(key: str, text: str, is_open: bool) -> Problem:
    state = "open until its label is removed" if is_open else "closed"
    return Problem(
        Reason.DISABLED_UNTIL_INVALID,
        key,
        f"The annotation {key} must be a time such as 2026-03-01T18:00:00Z or a duration such as"
        f" 2h, not {text[:80]!r}; the escape hatch stays {state}.",
    )
