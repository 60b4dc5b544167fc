"""When an open hatch closes by itself: a moment, or so long after it was first seen. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

# RFC 3339 as people and programs write it; what `fromisoformat` takes beside it (a date alone, no
# offset) leaves open which moment is meant.
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_DURATION = re.compile(
    r"(?=[0-9])(?:([0-9]{1,6})d)?(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,6})s)?"
)
_EARLIEST = datetime.min.replace(tzinfo=UTC)
_LATEST = datetime.max.replace(tzinfo=UTC)


def parse_moment(text: str) -> datetime | None:
    """Reads an RFC 3339 timestamp, with an offset or `Z`.

    Returns:
        The moment in UTC; None if the text is anything else.
    """
    if not _MOMENT.fullmatch(text):
        return None
    # Python reads at most microseconds.
    text = re.sub(r"(\.[0-9]{6})[0-9]+", r"\1", text).upper()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        # The last hours of the year 9999, or the first of the year 1, in another zone.
        return _LATEST if moment.year > 1 else _EARLIEST


def parse_deadline(text: str, since: datetime) -> datetime | None:
    """Reads the annotation: RFC 3339, or a duration from `since`, when the hatch was first seen.

    A duration has days, hours, minutes and seconds in this order, such as `2h` or `1d12h`.

    Returns:
        The moment in UTC; None if the text is anything else, or a duration of nothing.
    """
    text = text.strip()
    moment = parse_moment(text)
    if moment is not None:
        return moment
    parts = _DURATION.fullmatch(text)
    if parts is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in parts.groups())
    length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if not length:
        return None
    try:
        return since + length
    except OverflowError:
        return _LATEST


def format_moment(moment: datetime) -> str:
    """RFC 3339 in UTC, to the second, as Kubernetes writes it."""
    # Not strftime, which writes the year 999 with three digits.
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"
