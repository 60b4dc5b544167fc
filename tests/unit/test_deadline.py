"""When a hatch closes by itself: what may be written, and what it means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homelab_netpol.intent import Intent, LastGood, NamespaceFacts, Reason, read_intent
from homelab_netpol.intent.deadline import format_moment, parse_deadline, parse_moment
from tests.unit.test_intent import WORDS

SINCE = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
UNTIL = "network-policy.homelab/disabled-until"
ENFORCEMENT = "network-policy.homelab/enforcement"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01T18:00:00Z", datetime(2026, 3, 1, 18, tzinfo=UTC)),
        ("2026-03-01t18:00:00z", datetime(2026, 3, 1, 18, tzinfo=UTC)),
        ("2026-03-01T18:00:00+02:00", datetime(2026, 3, 1, 16, tzinfo=UTC)),
        ("2026-03-01T18:00:00.123456789Z", datetime(2026, 3, 1, 18, 0, 0, 123456, tzinfo=UTC)),
        ("9999-12-31T23:59:59Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("9999-12-31T23:59:59-11:00", datetime.max.replace(tzinfo=UTC)),
        ("0001-01-01T00:00:00+11:00", datetime.min.replace(tzinfo=UTC)),
        ("2h", SINCE + timedelta(hours=2)),
        (" 90m ", SINCE + timedelta(minutes=90)),
        ("1d12h", SINCE + timedelta(hours=36)),
        ("1h30m15s", SINCE + timedelta(seconds=5415)),
        ("999999d", datetime(4764, 1, 26, 12, tzinfo=UTC)),
    ],
)
def test_a_time_or_a_duration_says_when(text: str, moment: datetime) -> None:
    assert parse_deadline(text, SINCE) == moment


def test_a_duration_beyond_the_calendar_is_its_end() -> None:
    late = datetime(9000, 1, 1, tzinfo=UTC)
    assert parse_deadline("999999d", late) == datetime.max.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        *("", "tomorrow", "2026-03-01", "2026-03-01T18:00:00", "2026-03-01 18:00:00Z"),
        *("2026-02-30T18:00:00Z", "2026-03-01T25:00:00Z", "20260301T180000Z", "1772388000"),
        *("2", "h", "-2h", "2 h", "0h", "0d0s", "2w", "30m1h", "1.5h", "1234567s", "\u0662h"),
    ],
)
def test_anything_else_says_nothing(text: str) -> None:
    assert parse_deadline(text, SINCE) is None


@given(st.text(max_size=40))
def test_no_text_is_too_strange_to_read(text: str) -> None:
    parse_deadline(text, SINCE)


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)))
def test_what_is_written_is_read_back_to_the_second(moment: datetime) -> None:
    moment = moment.replace(tzinfo=UTC, microsecond=0)
    assert parse_moment(format_moment(moment)) == moment


def read(
    until: str | None,
    label: str = "disabled",
    *,
    hatch_since: datetime | None = None,
    hatch_open: bool = False,
) -> Intent:
    facts = NamespaceFacts("app", {ENFORCEMENT: label}, {} if until is None else {UNTIL: until})
    before = LastGood(hatch_since=hatch_since, hatch_open=hatch_open)
    return read_intent(facts, before, WORDS, SINCE)


def test_the_time_begins_when_the_label_is_first_seen_and_not_when_it_is_read_again() -> None:
    assert read("2h").hatch_until == SINCE + timedelta(hours=2)
    hour_ago = SINCE - timedelta(hours=1)
    again = read("2h", hatch_since=hour_ago, hatch_open=True)
    assert again.hatch_open
    assert again.hatch_since == hour_ago
    assert again.hatch_until == SINCE + timedelta(hours=1)


@pytest.mark.parametrize("until", ["2026-03-01T11:59:59Z", "2026-03-01T12:00:00Z", "30m"])
def test_when_the_time_is_over_enforcement_is_on_and_the_label_is_spoken_of(until: str) -> None:
    intent = read(until, hatch_since=SINCE - timedelta(hours=1), hatch_open=True)
    assert not intent.hatch_open
    assert intent.hatch_expired
    [problem] = intent.problems
    assert problem.reason is Reason.HATCH_EXPIRED


def test_an_unreadable_deadline_opens_nothing_that_was_closed_and_closes_nothing() -> None:
    fresh = read("soon")
    opened = read("soon", hatch_since=SINCE, hatch_open=True)
    closed = read("soon", hatch_since=SINCE, hatch_open=False)
    assert [i.hatch_open for i in (fresh, opened, closed)] == [True, True, False]
    for intent in (fresh, opened, closed):
        assert [problem.reason for problem in intent.problems] == [Reason.DISABLED_UNTIL_INVALID]
        assert intent.hatch_until is None


def test_a_mistyped_label_opens_nothing_that_had_closed_and_its_time_goes_on() -> None:
    closed = read(None, "disable", hatch_since=SINCE, hatch_open=False)
    assert not closed.hatch_open
    hour_ago = SINCE - timedelta(hours=1)
    assert read("2h", "disable", hatch_since=hour_ago, hatch_open=True).hatch_open
    assert not read("30m", "disable", hatch_since=hour_ago, hatch_open=True).hatch_open


def test_without_the_label_a_deadline_means_nothing() -> None:
    facts = NamespaceFacts("app", {}, {UNTIL: "nonsense"})
    intent = read_intent(facts, LastGood(), WORDS, SINCE)
    assert not intent.problems
    assert intent.hatch_since is None
